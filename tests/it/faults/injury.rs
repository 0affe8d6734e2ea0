//! What goes wrong, one at a time, each for a while.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

use super::site::{NODES, Site};
use crate::crash::signal;
use crate::support::fault_proxy::Mode;
use crate::support::receiver::{Fault, Meets};
use crate::support::server::eventually;

/// A kind of fault, and whom it meets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Injury {
    /// A node is stopped, and goes on.
    Freeze(usize),
    /// A node is killed, and started again.
    Kill(usize),
    /// Nothing goes through between a node and the database.
    CutOff(usize),
    /// A node's connections to the database end, and new ones are refused.
    Refuse(usize),
    /// A node's connections to the database break off in the middle of an answer.
    Torn(usize),
    /// The database is far away from a node.
    Slow(usize),
    /// A node's time jumps.
    Clock(usize),
    /// The database's process dies and comes back.
    Database,
    /// The database ends all sessions.
    Sessions,
    /// The receiver answers late, wrongly or not at all.
    Receiver,
    /// The root key is rotated by a node.
    Rotate(usize),
}

/// A fault that is over.
pub(super) struct Suffered {
    pub(super) injury: Injury,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

impl Injury {
    /// One of each kind, in some order.
    pub(super) fn each(random: &mut StdRng) -> Vec<Self> {
        let mut all: Vec<Self> = (0..KINDS).map(|kind| Self::of(kind, random)).collect();
        all.shuffle(random);
        all
    }

    pub(super) fn any(random: &mut StdRng) -> Self {
        let kind = random.random_range(0..KINDS);
        Self::of(kind, random)
    }

    fn of(kind: usize, random: &mut StdRng) -> Self {
        let node = random.random_range(0..NODES);
        match kind {
            0 => Self::Freeze(node),
            1 => Self::Kill(node),
            2 => Self::CutOff(node),
            3 => Self::Refuse(node),
            4 => Self::Slow(node),
            5 => Self::Clock(node),
            6 => Self::Database,
            7 => Self::Sessions,
            8 => Self::Receiver,
            9 => Self::Torn(node),
            _ => Self::Rotate(node),
        }
    }

    /// The node that it meets; all of them without one.
    pub(super) fn node(self) -> Option<usize> {
        match self {
            Self::Freeze(node)
            | Self::Kill(node)
            | Self::CutOff(node)
            | Self::Refuse(node)
            | Self::Torn(node)
            | Self::Slow(node)
            | Self::Clock(node)
            | Self::Rotate(node) => Some(node),
            Self::Database | Self::Sessions | Self::Receiver => None,
        }
    }

    /// Whether the node that it meets answers meanwhile.
    pub(super) fn leaves_the_node(self) -> bool {
        matches!(self, Self::Slow(_) | Self::Clock(_) | Self::Rotate(_) | Self::Sessions | Self::Receiver)
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Freeze(_) => "a node is stopped",
            Self::Kill(_) => "a node is killed and started again",
            Self::CutOff(_) => "a node is cut off from the database",
            Self::Refuse(_) => "a node's connections are refused",
            Self::Torn(_) => "a node's connections break off",
            Self::Slow(_) => "a node is far from the database",
            Self::Clock(_) => "a node's clock jumps",
            Self::Database => "the database dies and comes back",
            Self::Sessions => "the database ends all sessions",
            Self::Receiver => "a receiver is unwell",
            Self::Rotate(_) => "the root key is rotated",
        }
    }

    /// Has it happen, and end.
    pub(super) async fn inflict(self, site: &Site, random: &mut StdRng) -> Suffered {
        let began = Instant::now();
        let lasts = Duration::from_millis(random.random_range(800..7_000));
        match self {
            Self::Freeze(node) => {
                let pid = site.server(node).pid();
                signal(pid, "STOP");
                tokio::time::sleep(lasts).await;
                signal(pid, "CONT");
            }
            Self::Kill(node) => {
                let server = site.server(node);
                signal(server.pid(), "KILL");
                let gone = async || !server.is_running();
                assert!(eventually(Duration::from_secs(10), gone).await);
                tokio::time::sleep(lasts / 4).await;
                // Until it is ready again it is still gone.
                site.restart(node).await;
            }
            Self::CutOff(node) => at_the_proxy(site, node, Mode::Drop, lasts).await,
            Self::Refuse(node) => at_the_proxy(site, node, Mode::Refuse, lasts).await,
            Self::Torn(node) => {
                let bytes = random.random_range(1..20_000);
                at_the_proxy(site, node, Mode::Reset(bytes), lasts).await;
            }
            Self::Slow(node) => {
                let delay = Duration::from_millis(random.random_range(5..60));
                at_the_proxy(site, node, Mode::Delay(delay), lasts).await;
            }
            Self::Clock(node) => {
                let offset = [-90, -20, 20, 90].choose(random).expect("four offsets");
                std::fs::write(site.clock(node), format!("{offset:+}")).expect("a clock's file");
                tokio::time::sleep(lasts).await;
                std::fs::write(site.clock(node), "+0").expect("a clock's file");
            }
            Self::Database => site.postgres.crash_and_recover(lasts / 4).await,
            Self::Sessions => {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bursar'";
                site.postgres.sql("postgres", end).output();
            }
            Self::Receiver => {
                let faults = [
                    Fault::Answer { status: 503, retry_after: None },
                    Fault::Delay(Duration::from_millis(300)),
                    Fault::Hang,
                    Fault::DropBefore,
                    Fault::DropAfter,
                ];
                site.receiver.fault(*faults.choose(random).expect("some faults"), Meets::Share(0.7));
                tokio::time::sleep(lasts).await;
                site.receiver.heal();
            }
            Self::Rotate(node) => {
                // Where it collides with something it is tried again another time.
                let _ = site.server(node).operator().call(reqwest::Method::POST, "/v1/rekey?force=true").send().await;
            }
        }
        Suffered { injury: self, began, ended: Instant::now() }
    }
}

impl Suffered {
    pub(super) fn told(&self) -> String {
        let of = self.injury.node().map_or(String::new(), |node| format!(" (node {node})"));
        format!("{}{of}, for {:.1} s", self.injury.kind(), (self.ended - self.began).as_secs_f64())
    }
}

async fn at_the_proxy(site: &Site, node: usize, mode: Mode, lasts: Duration) {
    site.proxy(node).set(mode);
    tokio::time::sleep(lasts).await;
    site.proxy(node).set(Mode::Pass);
}

const KINDS: usize = 11;
