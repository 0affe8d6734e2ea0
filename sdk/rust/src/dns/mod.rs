//! What DNS-01 providers share: names, TXT values, and [`Dns01`](crate::Dns01)
//! implemented on top of a provider's API.
//!
//! Implement [`RecordSets`] where the API writes all values of a name at once,
//! [`Records`] where each value is a separate record. Both keep existing values
//! and remove only their own.

mod handle;
mod name;
mod probe;
mod record_sets;
mod records;
pub mod txt;
mod zone;

pub use handle::Handle;
pub use name::{absolute, candidates, longest_suffix, normal, relative};
pub use probe::left_behind;
pub use record_sets::{RecordSets, Set, Written};
pub use records::{Record, Records};
pub use zone::{Zone, Zones, walk};
