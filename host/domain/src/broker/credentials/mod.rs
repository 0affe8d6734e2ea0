//! Use cases about credentials.

mod create;
mod default;
mod delete;
mod find;
mod form;
mod list;
mod live;
mod materialize;
mod probe;
mod promotion;
mod reveal;
mod update;
mod versions;

pub use delete::Deletion;
pub use list::ListQuery;
pub use materialize::Materialized;
pub use probe::Probed;
pub use reveal::Revealed;

pub(super) use find::Found;
