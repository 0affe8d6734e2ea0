//! Writes a component where a broker may be watching.

use std::fs;
use std::path::Path;

use crate::Error;

/// Writes `component` to `file` and creates its folder. The file is renamed
/// into place: a broker that watches the folder never reads half of it.
///
/// # Errors
///
/// [`Error::File`] if it cannot be written.
pub fn place(component: &[u8], file: &Path) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |error| Error::File(path, error)
    };
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let partial = folder.join(format!(".{name}.{}.partial", std::process::id()));
    fs::write(&partial, component).map_err(failed(&partial))?;
    fs::rename(&partial, file).map_err(failed(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("dist/x.wasm");
        for content in ["first", "2"] {
            place(content.as_bytes(), &file).expect("a writable folder");
            assert_eq!(fs::read_to_string(&file).expect("the component"), content);
        }
        assert_eq!(fs::read_dir(folder.path().join("dist")).expect("the folder").count(), 1);
    }
}
