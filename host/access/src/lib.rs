//! Who may enter: accounts, their members, and the tokens that callers show.

#![forbid(unsafe_code)]

mod accounts;
mod authenticate;
mod command;
mod installation;
pub mod keys;
mod member;
mod members;
mod token;
mod tokens;

pub use accounts::Accounts;
pub use command::{BindableChange, CreateAccount, CreateOperatorToken, CreateToken, PutMember, UpdateAccount};
pub use installation::Installation;
pub use member::Member;
pub use members::Members;
pub use token::{Token, TokenText};
pub use tokens::{NewToken, Tokens};

/// Under which id operators' tokens are kept.
const OPERATORS: bursar_kernel::id::AccountId = bursar_kernel::id::AccountId(uuid::Uuid::nil());
