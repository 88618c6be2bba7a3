import asyncio
import random

from llmops.adapters.models.asking.lanes import LATEST, Lanes, Limits


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_lanes_are_out_than_there_are():
    lanes, out, most = Lanes("abc"), set(), 0

    async def use():
        nonlocal most
        lane = await lanes.take(0)
        assert lane not in out
        out.add(lane)
        most = max(most, len(out))
        await asyncio.sleep(0)
        out.remove(lane)
        lanes.give_back(lane)

    await asyncio.gather(*(use() for _ in range(30)))
    assert (most, out) == (3, set())


async def test_lanes_are_given_in_order_of_arrival_but_who_comes_back_comes_first():
    lanes, order = Lanes("a"), []

    async def use(name, *, is_again=False):
        lane = await lanes.take(0, is_again=is_again)
        order.append(name)
        lanes.give_back(lane)

    held = await lanes.take(0)
    tasks = [asyncio.create_task(use(name)) for name in ("one", "two")]
    await settled()
    tasks.append(asyncio.create_task(use("back", is_again=True)))
    await settled()
    lanes.give_back(held)
    await asyncio.gather(*tasks)
    assert order == ["back", "one", "two"]


async def test_no_lane_is_lost_whenever_its_asker_gives_up():
    lanes, seeded = Lanes("ab"), random.Random(4)

    async def use():
        lane = await lanes.take(0)
        try:
            await asyncio.sleep(0)
        finally:
            lanes.give_back(lane)

    for _ in range(50):
        tasks = [asyncio.create_task(use()) for _ in range(8)]
        for _ in range(seeded.randrange(4)):
            await asyncio.sleep(0)
        for task in seeded.sample(tasks, 5):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted([await lanes.take(0), await lanes.take(0)]) == ["a", "b"]


async def test_all_wait_where_half_of_the_latest_replies_said_later():
    lanes = Lanes("abcdefgh")
    for _ in range(LATEST // 2 - 1):
        lanes.replied(is_limit=True, pause=60)
    held = await asyncio.wait_for(lanes.take(0), 1)
    lanes.give_back(held)
    lanes.replied(is_limit=True, pause=60)
    waiting = asyncio.create_task(lanes.take(0))
    await settled()
    assert not waiting.done()
    waiting.cancel()


async def test_a_pause_ends():
    lanes = Lanes("a")
    lanes.replied(is_limit=True, pause=0.02)
    assert await asyncio.wait_for(lanes.take(0), 5) == "a"


async def test_tokens_beyond_the_limit_wait_until_the_estimate_is_put_right():
    lanes = Lanes("ab", Limits(tokens_per_minute=600))
    first = await lanes.take(600)
    second = asyncio.create_task(lanes.take(10))
    await settled()
    assert not second.done()
    lanes.correct(estimated=600, used=1)
    lanes.give_back(first)
    assert await asyncio.wait_for(second, 5) in "ab"


async def test_after_a_limit_half_as_many_lanes_are_in_use_and_answers_widen_the_way_again():
    lanes = Lanes("abcdefgh")
    for _ in range(LATEST):
        lanes.replied(is_limit=True, pause=0.01)
    held = [await asyncio.wait_for(lanes.take(0), 5) for _ in range(4)]
    fifth = asyncio.create_task(lanes.take(0))
    await asyncio.sleep(0.05)
    assert not fifth.done()
    for _ in range(LATEST):
        lanes.replied(is_limit=False)
    lanes.give_back(held.pop())
    await asyncio.wait_for(fifth, 5)
    held += [await asyncio.wait_for(lanes.take(0), 5)]
