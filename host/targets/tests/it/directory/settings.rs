//! Which settings are taken.

use bursar_kernel::secret::SecretJson;
use bursar_regions::Targets as _;
use bursar_targets::SystemTargets;
use serde_json::{Value, json};

#[test]
fn good_settings_are_taken() {
    for settings in [
        json!({"path": "/srv/bursar"}),
        json!({"path": "/srv/bursar/", "mode": "0640", "directoryMode": "0750", "owner": "1000:1000"}),
        json!({"path": "/srv/a b", "mode": "644", "directoryMode": "0o755", "owner": "0"}),
    ] {
        assert_eq!(judge(&settings), Vec::<String>::new(), "{settings}");
    }
}

#[test]
fn bad_settings_are_named() {
    for (settings, pointers) in [
        (json!({}), vec!["/path"]),
        (json!({"path": "srv"}), vec!["/path"]),
        (json!({"path": "/"}), vec!["/path"]),
        (json!({"path": "/srv/.."}), vec!["/path"]),
        (json!({"path": "/srv\0"}), vec!["/path"]),
        (json!({"path": 7, "mode": 600}), vec!["/path", "/mode"]),
        (json!({"path": "/srv", "mode": "0602"}), vec!["/mode"]),
        (json!({"path": "/srv", "mode": "0200"}), vec!["/mode"]),
        (json!({"path": "/srv", "mode": "4600"}), vec!["/mode"]),
        (json!({"path": "/srv", "mode": "+600"}), vec!["/mode"]),
        (json!({"path": "/srv", "mode": "rw"}), vec!["/mode"]),
        (json!({"path": "/srv", "directoryMode": "0777"}), vec!["/directoryMode"]),
        (json!({"path": "/srv", "directoryMode": "0600"}), vec!["/directoryMode"]),
        (json!({"path": "/srv", "owner": "root"}), vec!["/owner"]),
        (json!({"path": "/srv", "owner": "1000:"}), vec!["/owner"]),
        (json!({"path": "/srv", "owner": "4294967295"}), vec!["/owner"]),
        (json!({"path": "/srv", "owner": "-1"}), vec!["/owner"]),
        (json!({"mode": "0602", "owner": "x", "other": 1}), vec!["/other", "/path", "/mode", "/owner"]),
    ] {
        assert_eq!(judge(&settings), pointers, "{settings}");
    }
}

fn judge(settings: &Value) -> Vec<String> {
    let violations = SystemTargets::default().judge("directory", &SecretJson::new(settings.clone()));
    violations.into_iter().map(|violation| violation.pointer).collect()
}
