//! One at a time, within this process: whoever changes the same thing outside
//! stands in a queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The queues, by the key of what is changed. One that nobody stands in is
/// forgotten.
#[derive(Default)]
pub struct Queues(Mutex<HashMap<Vec<u8>, Weak<async_lock::Mutex<()>>>>);

impl Queues {
    /// The queue of what is under `key`, if anybody stands in it.
    #[must_use]
    pub fn in_use(&self, key: &[u8]) -> Option<Arc<async_lock::Mutex<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).and_then(Weak::upgrade)
    }

    /// The queue of what is under `key`.
    pub fn queue(&self, key: &[u8]) -> Arc<async_lock::Mutex<()>> {
        // A poisoned map still holds only queues.
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|_, queue| queue.strong_count() > 0);
        if let Some(queue) = queues.get(key).and_then(Weak::upgrade) {
            return queue;
        }
        let queue = Arc::default();
        queues.insert(key.to_vec(), Arc::downgrade(&queue));
        queue
    }
}
