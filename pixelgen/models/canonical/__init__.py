"""The canonical LSTM: one model that several backends compute.

`torch-lstm`, `keras-lstm` and `numpy-lstm` take the same options (`options.py`), hold the same
weights (`parameters.py`), read and write the same files (`weights.py`, `training_state.py`) and
follow the equations below. A run that was trained with one is painted, or trained further, with
another.

Letters: V tokens in the vocabulary, C channels of the palette, n neighbours in a context, K of them
with token embeddings, J of them tied, E embedding, H hidden, L layers, Z projection, G heads.

At one position, with the tokens k_0 … k_{n-1} of its neighbours (V stands for "outside"), its row
and column (with positions=relative, their 16ths of the height and width), its level and group, and
the state h', c' of each layer after the position before (zeros where the sequence starts afresh):

    f = [c(k_0), o(k_0), …, c(k_{n-1}), o(k_{n-1})]                             (n (C + 1),)
    s = colour_in.1 γ(colour_in.0 f) + Σ_{j<K} token_in.j[k_j]
        + row_in[row] + column_in[column] + level_in[level] + group_in[group]   (E,)
    x = γ(s)                                                                    (E,)

    for each layer l, whose x is the h of the layer below:
    [i, f, g, o] = lstm.l.input x + lstm.l.recurrent h' + lstm.l.bias           (4H,)
    c = σ(f) c' + σ(i) tanh(g)                                                  (H,)
    h = σ(o) tanh(c)                                                            (H,)

    a = tied h                                                                  (G J,)
    z_g = (project h)_g + Σ_{j<J} a_{gJ+j} (u_{t_j})_g                          (Z / G,) for each g
    w_v = output.free[v] + output.colour.1 γ(output.colour.0 φ(c(v)))           (Z,) for each v
    u_v = w_v - mean of all w                                                   (Z,) for each v
    logits_v = u_v · z + output.bias[v]                                         (V,)

c(v) is the colour of token v, scaled from 0..255 to -1..1, and zero outside; o(v) is 1 outside and
0 elsewhere; γ is GELU in its tanh form, 0.5 a (1 + tanh(√(2/π) (a + 0.044715 a³))) (Hendrycks and
Gimpel, "Gaussian error linear units", 2016); and φ(c) = [c, c², sin πc, cos πc, sin 2πc, cos 2πc,
sin 4πc, cos 4πc] (8C,), each a block of C numbers.

A vector of Z numbers is cut into G heads of equal size, numbered by g; u_V, of "outside", is zero.
t_0 … t_{J-1} are the tokens of the context that are tied: the nearest and, in a pyramid, those of
the coarser cells at the corners of the square around the position (`parameters.tied_columns`).
The sum over them is what lets the network say "as the one above, but less red" in any part of the
palette: u ties the neighbours' embedding to the tokens' output vectors (Press and Wolf, "Using the
output embedding to improve language models", 2017), so that a multiple of u_{t_j} in z makes t_j
and what is like it more probable, for colours seldom or never seen too.

What all tokens' vectors have in common changes no probability, so its gradient is rounding alone,
which an optimizer that divides by its size makes a walk of: after some ten thousand steps it was
large enough for bfloat16 to lose the differences. Hence the mean is taken off.

Terms whose weights are not there (see `parameters.py`) fall away; without colours in the output,
u_v = w_v. Where s is one token's embedding and nothing else, x = s. With output=plain, logits =
output.weight h + output.bias.

In training, each number in the outputs h of a layer is dropped with probability `dropout`, and what
stays is divided by 1 - dropout; the state that the next position sees is not dropped. The loss is
the mean of −ln softmax(logits)[target] over a batch.
"""
