(() => {
  const box = document.getElementById("evolution");
  if (!box) return;
  const moments = [...box.querySelectorAll(".moment")];
  const range = box.querySelector("input");
  const title = box.querySelector("output");
  const button = box.querySelector("button");
  let timer = 0;
  const show = (index) => {
    moments.forEach((moment, number) => { moment.hidden = number !== index; });
    range.value = index;
    title.textContent = moments[index].dataset.title;
    range.setAttribute("aria-valuetext", moments[index].dataset.title);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    button.textContent = "Play";
    title.setAttribute("aria-live", "polite");
  };
  const next = () => {
    const index = (Number(range.value) + 1) % moments.length;
    show(index);
    timer = setTimeout(next, index === moments.length - 1 ? 3000 : 600);
  };
  range.addEventListener("input", () => { stop(); show(Number(range.value)); });
  button.addEventListener("click", () => {
    if (timer) return stop();
    button.textContent = "Pause";
    title.setAttribute("aria-live", "off");
    next();
  });
  box.classList.add("live");
  show(moments.length - 1);
})();
