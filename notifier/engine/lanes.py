"""Whose turn it is: a lane per person keeps the order, a token bucket per sender the rate, a ring the fairness.

Segments are the coin (a carrier counts and bills them): a bucket fills with `segmentsPerSecond`, and tenants that share
a sender take turns by deficit round robin. A lane is released by the answer to its head, or after `LANE_WAIT` when that
is in doubt or in retry; waiting for its time, for check-in or for a credential holds nobody.
"""

from __future__ import annotations

import heapq
from collections import deque

from notifier.engine.entities import Notification
from notifier.engine.state import Account, Lane, SenderQueue, State

QUANTUM = 8.0  # segments a tenant may take in a row while others wait for the same sender
LIMIT_CEILING = 10  # times the configured start: how far additive increase may go
SEPARATOR = "\x1f"


def lane_of(state: State, n: Notification) -> Lane:
    key = (n.tenant, n.to or "")
    lane = state.lanes.get(key)
    if lane is None:
        lane = state.lanes[key] = Lane(key)
    return lane


def account_of(state: State, owner: str) -> Account:
    account = state.accounts.get(owner)
    if account is None:
        start = float(state.config.max_in_flight)
        connection = state.catalog.connections.get(owner)
        if connection is not None and connection.shared:
            start = max(2.0, start / state.config.partitions)
        account = state.accounts[owner] = Account(limit=start)
    return account


def sender_queue(state: State, owner: str, name: str, now: float) -> SenderQueue:
    """A new bucket holds one segment, not a second's worth: the former owner may have emptied it just before."""
    queue = state.senders.get((owner, name))
    rate = _rate(state, owner, name)
    if queue is None:
        queue = state.senders[(owner, name)] = SenderQueue(owner, name, rate, tokens=1.0, refilled_at=now)
    queue.rate = rate
    return queue


def _rate(state: State, owner: str, name: str) -> float:
    connection = state.catalog.connections.get(owner)
    for sender in connection.senders if connection else ():
        if sender.name == name:
            shared = state.config.partitions if connection and connection.shared else 1
            return sender.segments_per_second / shared
    return 1.0


def enqueue(state: State, n: Notification, now: float) -> None:
    """It takes its place in its lane, now or when it is due."""
    at = max(n.due, n.retry_at)
    if at > now:
        state.timers.at(at, "due", n.id)
        return
    lane = lane_of(state, n)
    heapq.heappush(lane.due, (n.inbox, n.order, n.id))
    offer(state, lane, now)


def offer(state: State, lane: Lane, now: float) -> None:
    """Let the lane stand in line for its sender, unless somebody under way still holds it."""
    if lane.queued:
        return
    first = _first(state, lane, now)
    if first is None:
        if lane.head is None:
            state.lanes.pop(lane.key, None)
        return
    if lane.head not in (None, first.id) and _blocked(state, lane, now):
        return
    queue = sender_queue(state, first.connection or "", first.sender or "", now)
    tenant = lane.key[0]
    if tenant not in queue.tenants:
        queue.tenants[tenant] = deque()
        queue.ring.append(tenant)
        queue.deficit[tenant] = 0.0
    queue.tenants[tenant].append(lane)
    lane.queued = True
    state.runnable[(queue.owner, queue.name)] = None


def _blocked(state: State, lane: Lane, now: float) -> bool:
    """The answer to its head offers the lane again; where that is not awaited any more, a timer does."""
    head = state.notifications.get(lane.head or "")
    if head is not None and head.stage == "sending":
        return True
    if now < lane.blocked_until:
        if lane.timer_at < lane.blocked_until:
            lane.timer_at = lane.blocked_until
            state.timers.at(lane.timer_at, "lane", SEPARATOR.join(lane.key))
        return True
    return False


def _first(state: State, lane: Lane, now: float) -> Notification | None:
    """The next in a lane. What was moved to another time or number since it came leaves; it is offered again there."""
    while lane.due:
        _, _, notification_id = lane.due[0]
        n = state.notifications.get(notification_id)
        waits = n is not None and n.stage == "waiting" and max(n.due, n.retry_at) <= now
        if n is not None and waits and (n.tenant, n.to or "") == lane.key:
            return n
        heapq.heappop(lane.due)
    return None


def take_turn(state: State, queue: SenderQueue, now: float) -> Notification | None:
    """The notification whose turn it is at this sender, by deficit round robin; it stays in line until `taken`."""
    while queue.ring:
        tenant = queue.ring[0]
        lanes = queue.tenants[tenant]
        first = _first(state, lanes[0], now) if lanes else None
        if lanes and (first is None or (first.connection, first.sender) != (queue.owner, queue.name)):
            offer(state, leave_line(queue), now)  # to another sender, or to be forgotten
            continue
        if first is None:
            queue.ring.popleft()
            del queue.tenants[tenant], queue.deficit[tenant]
            continue
        if len(queue.ring) > 1 and queue.deficit[tenant] < (first.segments or 1):
            queue.deficit[tenant] += QUANTUM
            queue.ring.rotate(-1)
            continue
        return first
    return None


def leave_line(queue: SenderQueue) -> Lane:
    """The lane at the front leaves the line, whether its turn was taken or not."""
    lane = queue.tenants[queue.ring[0]].popleft()
    lane.queued = False
    return lane


def taken(queue: SenderQueue, n: Notification) -> Lane:
    """The turn was taken: pay for it in tokens and deficit, and leave lane and line."""
    segments = n.segments or 1
    queue.tokens -= segments
    alone = len(queue.ring) == 1
    queue.deficit[queue.ring[0]] = 0.0 if alone else queue.deficit[queue.ring[0]] - segments
    lane = leave_line(queue)
    heapq.heappop(lane.due)
    return lane


def refill(queue: SenderQueue, now: float) -> float:
    """Fill the bucket; returns the seconds until it allows a text, 0 when it does now."""
    capacity = max(1.0, queue.rate)
    queue.tokens = min(capacity, queue.tokens + (now - queue.refilled_at) * queue.rate)
    queue.refilled_at = now
    return 0.0 if queue.tokens >= 1.0 else max((1.0 - queue.tokens) / queue.rate, 0.001)


def hold_lane(state: State, n: Notification, now: float) -> None:
    """A text goes out (or stays in doubt): later ones to that person wait, at most `LANE_WAIT` from its create."""
    lane = lane_of(state, n)
    if lane.head != n.id:
        lane.head = n.id
        lane.blocked_until = now + state.config.lane_wait


def free_lane(state: State, n: Notification, now: float) -> None:
    leave_lane(state, (n.tenant, n.to or ""), n, now)


def leave_lane(state: State, key: tuple[str, str], n: Notification, now: float) -> None:
    """`n` holds nobody in this lane any more; `key` is another one than its own when its number changed."""
    lane = state.lanes.get(key)
    if lane is None:
        return
    if lane.head == n.id:
        lane.head = None
    offer(state, lane, now)


def lane_wait_over(state: State, key: str, now: float) -> None:
    tenant, _, number = key.partition(SEPARATOR)
    reoffer(state, (tenant, number), now)


def reoffer(state: State, key: tuple[str, str], now: float) -> None:
    """Its head is under way no more: later ones go when `LANE_WAIT` is over, or was when nothing could be done."""
    lane = state.lanes.get(key)
    if lane is not None:
        offer(state, lane, now)


def slot_unused(state: State, owner: str) -> None:
    """An intent was given up before its POST."""
    account = account_of(state, owner)
    used_up = _used_up(account)
    account.in_flight = max(0, account.in_flight - 1)
    if used_up:
        _wake_senders(state, owner)


def slot_freed(state: State, owner: str, *, congested: bool, accepted: bool, now: float) -> None:
    """A POST was answered: additive increase while the limit is used, multiplicative decrease on a 429."""
    account = account_of(state, owner)
    used_up = _used_up(account)
    account.in_flight = max(0, account.in_flight - 1)
    if congested and now - account.lowered_at >= 1.0:
        account.limit = max(1.0, account.limit / 2)
        account.lowered_at = now
    elif accepted and used_up:
        ceiling = float(state.config.max_in_flight * LIMIT_CEILING)
        account.limit = min(ceiling, account.limit + 1.0 / account.limit)
    if used_up:
        _wake_senders(state, owner)


def _used_up(account: Account) -> bool:
    return account.in_flight >= int(account.limit)


def _wake_senders(state: State, owner: str) -> None:
    """Only an account that was used up made somebody stop for it."""
    for key, queue in state.senders.items():
        if queue.owner == owner and queue.ring:
            state.runnable[key] = None
