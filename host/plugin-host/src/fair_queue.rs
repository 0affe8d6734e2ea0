//! Limits concurrent plugin calls and shares them fairly between accounts.
//!
//! A semaphore is first come, first served: one account with forty requests in
//! flight would keep every other waiting. Here each account has a lane. Calls of
//! one lane are served in order, lanes take turns, and no lane can hold every
//! place.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bursar_kernel::id::AccountId;
use tokio::sync::oneshot;

/// Whose call it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Lane {
    /// The broker's own calls, when it loads a plugin.
    Broker,
    /// All calls that concern no account's credential.
    Public,
    /// Calls about this account's credentials.
    Account(AccountId),
}

/// Places for calls, shared between accounts.
#[derive(Clone)]
pub(crate) struct FairQueue(Arc<Mutex<QueueState>>);

/// How many places there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Concurrent calls.
    pub(crate) total: usize,
    /// Concurrent calls of one lane.
    pub(crate) per_lane: usize,
    /// Calls of one lane that may wait; further ones are refused.
    pub(crate) waiting_per_lane: usize,
}

/// A place, released when dropped.
pub(crate) struct Permit {
    /// `None` once there is nothing to release.
    queue: Option<FairQueue>,
    lane: Lane,
}

/// Too many calls of this lane are waiting already.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Full;

struct QueueState {
    capacity: Capacity,
    running: usize,
    lanes: HashMap<Lane, Calls>,
    /// Lanes with waiting calls, each once, in the order of service.
    turns: VecDeque<Lane>,
}

#[derive(Default)]
struct Calls {
    running: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

impl FairQueue {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self(Arc::new(Mutex::new(QueueState { capacity, running: 0, lanes: HashMap::new(), turns: VecDeque::new() })))
    }

    /// Waits for a place. Dropping the future gives up the turn and nothing else.
    ///
    /// # Errors
    ///
    /// [`Full`] at once, where too many of this lane wait.
    pub(crate) async fn acquire(&self, lane: Lane) -> Result<Permit, Full> {
        let turn = {
            let mut state = self.lock();
            if state.admits(lane) {
                state.start(lane);
                return Ok(self.permit(lane));
            }
            let turn = state.enqueue(lane)?;
            // Calls ahead may have gone in the meantime.
            self.dispatch(&mut state);
            turn
        };
        // A sender is dropped only where its receiver is gone.
        turn.await.map_err(|_| Full)
    }

    fn release(&self, lane: Lane) {
        let mut state = self.lock();
        state.stop(lane);
        self.dispatch(&mut state);
    }

    /// Gives free places to those whose turn it is.
    fn dispatch(&self, state: &mut QueueState) {
        while let Some((lane, waiting)) = state.next() {
            state.start(lane);
            if let Err(mut unwanted) = waiting.send(self.permit(lane)) {
                // Dropping it would lock again.
                unwanted.queue = None;
                state.stop(lane);
            }
        }
    }

    fn permit(&self, lane: Lane) -> Permit {
        Permit { queue: Some(self.clone()), lane }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, QueueState> {
        // Nothing in here panics halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    /// Whether a call of `lane` may start at once, without overtaking its own lane.
    fn admits(&self, lane: Lane) -> bool {
        let calls = self.lanes.get(&lane);
        self.running < self.capacity.total
            && calls.is_none_or(|calls| calls.waiting.is_empty() && calls.running < self.capacity.per_lane)
    }

    fn start(&mut self, lane: Lane) {
        self.running += 1;
        self.lanes.entry(lane).or_default().running += 1;
    }

    fn stop(&mut self, lane: Lane) {
        self.running -= 1;
        if let Some(calls) = self.lanes.get_mut(&lane) {
            calls.running -= 1;
            if calls.running == 0 && calls.waiting.is_empty() {
                self.lanes.remove(&lane);
            }
        }
    }

    fn enqueue(&mut self, lane: Lane) -> Result<oneshot::Receiver<Permit>, Full> {
        let calls = self.lanes.entry(lane).or_default();
        if calls.waiting.len() >= self.capacity.waiting_per_lane {
            calls.waiting.retain(|waiting| !waiting.is_closed());
        }
        if calls.waiting.len() >= self.capacity.waiting_per_lane {
            return Err(Full);
        }
        let (sender, receiver) = oneshot::channel();
        calls.waiting.push_back(sender);
        if !self.turns.contains(&lane) {
            self.turns.push_back(lane);
        }
        Ok(receiver)
    }

    /// Removes the next waiting call, if there is a place for it.
    fn next(&mut self) -> Option<(Lane, oneshot::Sender<Permit>)> {
        if self.running >= self.capacity.total {
            return None;
        }
        let per_lane = self.capacity.per_lane;
        let lanes = &self.lanes;
        let position =
            self.turns.iter().position(|lane| lanes.get(lane).is_none_or(|calls| calls.running < per_lane))?;
        let lane = self.turns.remove(position)?;
        let calls = self.lanes.get_mut(&lane)?;
        let waiting = calls.waiting.pop_front();
        if !calls.waiting.is_empty() {
            self.turns.push_back(lane);
        }
        waiting.map(|waiting| (lane, waiting))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.release(self.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn queue(total: usize, per_lane: usize) -> FairQueue {
        FairQueue::new(Capacity { total, per_lane, waiting_per_lane: 100 })
    }

    fn lane(number: u128) -> Lane {
        Lane::Account(AccountId(Uuid::from_u128(number)))
    }

    /// A call that waits, or has its place.
    type Acquiring = futures::future::BoxFuture<'static, Result<Permit, Full>>;

    fn call(queue: &FairQueue, lane: Lane) -> Acquiring {
        let queue = queue.clone();
        async move { queue.acquire(lane).await }.boxed()
    }

    fn polled(queue: &FairQueue, lane: Lane) -> (Acquiring, Option<Permit>) {
        let mut call = call(queue, lane);
        let permit = (&mut call).now_or_never().map(|permit| permit.expect("not full"));
        (call, permit)
    }

    #[test]
    fn one_lane_never_holds_every_place() {
        let queue = queue(3, 2);
        let busy: Vec<_> = (0..40).map(|_| polled(&queue, lane(1))).collect();
        assert_eq!(busy.iter().filter(|(_, permit)| permit.is_some()).count(), 2);
        assert!(polled(&queue, lane(2)).1.is_some(), "the other lane is served at once");
    }

    #[test]
    fn lanes_take_turns_and_each_keeps_its_order() {
        let queue = queue(1, 1);
        let mut holder = polled(&queue, lane(0)).1;
        let asked = [1, 1, 1, 1, 2, 2, 3];
        let mut waiting: Vec<_> = asked.iter().map(|number| (*number, polled(&queue, lane(*number)).0)).collect();
        let mut served = Vec::new();
        while holder.take().is_some() {
            let ready = waiting.iter_mut().enumerate().find_map(|(place, (number, call))| {
                let permit = call.now_or_never()?.expect("not full");
                Some((place, *number, permit))
            });
            if let Some((place, number, permit)) = ready {
                drop(waiting.remove(place));
                served.push(number);
                holder = Some(permit);
            }
        }
        assert_eq!(served, [1, 2, 3, 1, 2, 1, 1]);
        assert!(queue.lock().lanes.is_empty() && queue.lock().turns.is_empty());
    }

    #[test]
    fn who_gives_up_leaves_no_place_taken() {
        let queue = queue(1, 1);
        let holder = polled(&queue, lane(0)).1;
        let (gone, _) = polled(&queue, lane(1));
        let (stays, _) = polled(&queue, lane(1));
        drop(gone);
        drop(holder);
        let permit = stays.now_or_never().expect("its turn").expect("not full");
        drop(permit);
        // One that was given its place and never looked.
        let holder = polled(&queue, lane(0)).1;
        let (unread, _) = polled(&queue, lane(1));
        drop(holder);
        drop(unread);
        assert!(polled(&queue, lane(2)).1.is_some());
    }

    #[test]
    fn a_full_lane_refuses_and_others_do_not() {
        let queue = FairQueue::new(Capacity { total: 2, per_lane: 1, waiting_per_lane: 2 });
        let _holder = polled(&queue, lane(1)).1;
        let waiting = [polled(&queue, lane(1)).0, polled(&queue, lane(1)).0];
        assert_eq!(call(&queue, lane(1)).now_or_never().map(Result::err), Some(Some(Full)));
        assert!(polled(&queue, lane(2)).1.is_some());
        drop(waiting);
        assert!(call(&queue, lane(1)).now_or_never().is_none(), "whoever gave up makes room");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn places_are_never_lost_nor_made() {
        let queue = queue(3, 2);
        let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..600_u128 {
            let (queue, running) = (queue.clone(), Arc::clone(&running));
            calls.spawn(async move {
                let acquiring = queue.acquire(lane(number % 7));
                let permit = if number % 3 == 0 {
                    // Gives up after a moment, or has it.
                    tokio::select! {
                        permit = acquiring => permit,
                        () = tokio::task::yield_now() => return,
                    }
                } else {
                    acquiring.await
                };
                let permit = permit.expect("not full");
                let at_once = running.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                assert!(at_once <= 3, "{at_once} at once");
                tokio::task::yield_now().await;
                running.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                drop(permit);
            });
        }
        while let Some(call) = calls.join_next().await {
            call.expect("no panic");
        }
        let state = queue.lock();
        assert!(state.running == 0 && state.lanes.is_empty() && state.turns.is_empty());
    }
}
