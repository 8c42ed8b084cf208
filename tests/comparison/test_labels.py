from pixelgen.comparison.labels import distinct, label_settings


def recipe(model="markov", tokenizer="rgb-grid", **others):
    return {
        "seed": 1,
        "device": "auto",
        "model": {"name": model, **others.pop("options", {})},
        "tokenizer": {"name": tokenizer, "colors": others.pop("colors", 64)},
        "data": {"size": others.pop("size", [75, 75]), "augment": others.pop("augment", [])},
        "training": {"epochs": 2},
        **others,
    }


def test_only_what_differs_is_said():
    recipes = [recipe("torch-lstm"), recipe("markov")]
    assert label_settings(recipes) == ["torch-lstm", "markov"]


def test_options_are_compared_within_a_plugin():
    recipes = [
        recipe("torch-lstm", options={"hidden": 384}),
        recipe("markov", options={"order": 1}),
        recipe("markov", options={"order": 2}),
    ]
    assert label_settings(recipes) == ["torch-lstm", "markov order=1", "markov order=2"]


def test_models_times_tokenizers():
    recipes = [recipe(model, "t", colors=n) for model in ("a", "b") for n in (64, 256)]
    assert label_settings(recipes) == [
        "a, t colors=64",
        "a, t colors=256",
        "b, t colors=64",
        "b, t colors=256",
    ]


def test_what_is_no_plugin_is_said_too():
    recipes = [recipe(augment=[]), recipe(augment=["flips", "crops"], device="cpu")]
    assert label_settings(recipes) == [
        "augment=none, device=auto",
        "augment=flips+crops, device=cpu",
    ]
    assert label_settings([recipe(size=[75, 75]), recipe(size=[100, 75])])[1] == "size=100×75"


def test_seed_and_painting_are_not_compared():
    recipes = [recipe(seed=1, painting={"pictures": 1}), recipe(seed=2, painting={"pictures": 2})]
    assert label_settings(recipes) == ["markov, rgb-grid"] * 2


def test_names_are_told_apart_whatever_they_end_in():
    assert distinct(["a", "a", "b", "a"]) == ["a", "a (2)", "b", "a (3)"]
    assert distinct(["a (2)", "a", "a"]) == ["a (2)", "a", "a (3)"]
    assert distinct(["a", "a", "a (2)"]) == ["a", "a (2)", "a (2) (2)"]
    assert distinct(["a (wide)", "a"]) == ["a (wide)", "a"]
