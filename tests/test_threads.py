"""Threads that share the cores with the threads of matrix products."""

from __future__ import annotations

from threadpoolctl import threadpool_info

from pixelgen.threads import one_thread_a_product, spread


def threads_a_product():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_products_take_one_thread_for_a_while():
    before = threads_a_product()
    with one_thread_a_product():
        assert threads_a_product() <= {1}
    assert threads_a_product() == before


def test_what_is_spread_comes_back_in_order():
    assert spread(lambda number: number * number, range(100)) == [n * n for n in range(100)]


def test_they_have_theirs_again_when_the_last_of_several_has_done():
    """Two that overlap, as of two threads: the first to come is the first to leave."""
    before = threads_a_product()
    one, other = one_thread_a_product(), one_thread_a_product()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert threads_a_product() <= {1}
    other.__exit__(None, None, None)
    assert threads_a_product() == before
