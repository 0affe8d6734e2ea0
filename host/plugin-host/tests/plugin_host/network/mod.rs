//! The network plane: a plugin speaks, and sees no secret.

mod addresses;
mod answers;
mod bounds;
mod lab;
mod placements;
mod planes;
mod scrubbing;
mod signing;
mod sizes;
mod taint;
mod tokens;
mod transport;
