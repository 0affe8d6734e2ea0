//! Use cases about credentials.

mod create;
mod default;
mod delete;
mod find;
mod form;
mod list;
mod materialize;
mod probe;
mod reveal;
mod update;
mod versions;

pub use delete::Deletion;
pub use list::ListQuery;
pub use materialize::Materialized;
pub use probe::Probed;
pub use reveal::Revealed;

pub(super) use find::Found;
