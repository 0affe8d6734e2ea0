//! The lab: real servers, and fakes where no real one can be had, that DNS providers and
//! targets are held against.
//!
//! - [`PowerDns`], the real one, Debian's, with zones that a resolver sees.
//! - [`Cloud`], `tests/lab/cloud.py`, the four cloud DNS APIs in one.
//! - [`AcmeDns`], `tests/lab/acme_dns.py`.
//! - [`HttpReq`], `tests/lab/httpreq.py`, a receiver of lego's httpreq.
//! - [`Kubernetes`], `tests/lab/kubernetes.py`, an API server of Secrets.
//!
//! The fakes of DNS keep their records in a `PowerDns` and share what [`fakes::Fake`] can do. They are reached by the
//! real host names: give a broker `connect_overrides` and `root_pem_path`.

mod fakes;
mod kubernetes;
mod powerdns;
mod script;

pub(crate) use fakes::{AcmeDns, Cloud, Fake, HttpReq};
pub(crate) use kubernetes::Kubernetes;
pub(crate) use powerdns::PowerDns;
