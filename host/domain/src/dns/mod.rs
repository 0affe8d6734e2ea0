//! DNS records that answer challenges: their names, what the operator grants of
//! them, and what is kept of those that were put somewhere.

mod grants;
mod name;
mod provider;
mod record;
mod request;

pub use grants::{DnsGrants, NameRule};
pub use name::Fqdn;
pub(crate) use provider::find as find_provider;
pub use provider::id as provider_id;
pub use record::{DnsRecord, RecordState};
pub(crate) use request::RecordRequest;
