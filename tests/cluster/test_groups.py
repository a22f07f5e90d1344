"""Groups of images, and what becomes of those whose workers die."""

from __future__ import annotations

from convcli.cluster.groups import MOST_BYTES, MOST_IMAGES, Groups, Remaining
from convcli.cluster.listing import Listed


def images(number, size=1000):
    return [Listed(f"{index}.png", (f"{index}_sobel.png",), size) for index in range(number)]


def taken(groups, threads=1):
    return list(iter(lambda: groups.take(threads), []))


def test_every_image_is_in_one_group_and_in_order():
    listing = images(1000)
    assert [image for group in taken(Groups(listing), 2) for image in group] == listing


def test_groups_begin_with_one_image_and_grow_to_the_most():
    sizes = [len(group) for group in taken(Groups(images(5000)), 2)]
    assert sizes[:8] == [1] * 8
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) == MOST_IMAGES


def test_few_images_are_spread_over_all_threads():
    assert [len(group) for group in taken(Groups(images(16)), 16)] == [1] * 16


def test_a_group_holds_no_more_bytes_than_the_most_but_for_one_large_image():
    listing = images(400) + images(3, MOST_BYTES // 2) + images(2, 2 * MOST_BYTES)
    groups = taken(Groups(listing))
    assert all(sum(image.bytes for image in group) <= MOST_BYTES or len(group) == 1 for group in groups)
    assert sum(map(len, groups)) == len(listing)


def test_of_a_file_that_tells_no_size_a_mebibyte_is_taken():
    groups = taken(Groups(images(1000, None)))
    assert max(map(len, groups)) == 32


def test_a_listing_is_never_gone_through_ahead():
    given = []
    listing = (given.append(image) or image for image in images(10))
    groups = Groups(listing)
    groups.take(4)
    assert len(given) == 1


def test_a_group_that_ends_its_workers_is_taken_apart_before_others_come():
    remaining = Remaining(Groups(images(400)))
    group = next(group for group in iter(lambda: remaining.take(1, under_way=0), []) if len(group) > 3)
    assert not remaining.is_guilty(group)
    assert [remaining.take(1, under_way=1) for _ in group] == [[image] for image in group]


def test_an_image_that_ends_its_workers_comes_again_when_nothing_else_is_under_way():
    remaining = Remaining(Groups(images(2)))
    first, second = remaining.take(4, under_way=0), remaining.take(4, under_way=1)
    assert not remaining.is_guilty(first)
    assert not remaining.take(4, under_way=1)
    remaining.cleared()
    assert remaining.take(4, under_way=0) == first
    assert second != first


def test_only_an_image_that_was_alone_is_guilty_and_the_next_suspect_gets_its_turn():
    remaining = Remaining(Groups(images(2)))
    both = [remaining.take(4, under_way=0), remaining.take(4, under_way=1)]
    assert [remaining.is_guilty(one) for one in both] == [False, False]
    assert remaining.take(4, under_way=0) == both[0]
    assert not remaining.take(4, under_way=0)
    assert remaining.is_guilty(both[0])
    assert remaining.take(4, under_way=0) == both[1]
    remaining.cleared()
    assert not remaining.take(4, under_way=0)


def test_what_nobody_has_begun_is_still_there():
    remaining = Remaining(Groups(images(1)))
    group = remaining.take(1, under_way=0)
    remaining.put_back(group)
    assert remaining.take(1, under_way=0) == group
