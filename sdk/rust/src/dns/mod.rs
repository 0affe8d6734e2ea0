//! What DNS-01 providers have in common: names, TXT values, and the work of
//! [`Dns01`](crate::Dns01) on top of a provider's API.
//!
//! Implement [`RecordSets`] where the API writes all values of a name at once,
//! [`Records`] where each value is a record of its own. Both add beside what is
//! there and take away their own value alone.

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
