//! Where operators' decisions are kept.

use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::BlindIndex;

/// [`Table::PluginGrant`].
#[must_use]
pub fn plugin_grant(blind: &dyn BlindIndex, plugin: &str) -> Vec<u8> {
    Key::table(Table::PluginGrant).name(blind, "plugin", plugin).bytes()
}
