//! Where the secrets of a document are: what its schema marks as `writeOnly`.

use std::collections::BTreeSet;

use jsonschema::Evaluation;
use serde_json::Value;

use crate::CheckError;
use crate::pointer::is_within;

/// The outermost secret places of an evaluated document, sorted. In a document
/// that is not valid, every place that any branch of the schema marks.
///
/// # Errors
///
/// [`CheckError::WholeSecret`] when the schema marks the whole document.
pub(crate) fn locate(evaluation: &Evaluation) -> Result<Vec<String>, CheckError> {
    let mut places = BTreeSet::new();
    if evaluation.flag().valid {
        for entry in evaluation.iter_annotations() {
            if is_write_only(entry.annotations.value()) {
                places.insert(entry.instance_location.as_str().to_owned());
            }
        }
    } else {
        // A failing schema yields no annotations, but its secrets stay secrets.
        let output = serde_json::to_value(evaluation.hierarchical()).map_err(|_| CheckError::Annotations)?;
        collect(&output, &mut places);
    }
    if places.contains("") {
        return Err(CheckError::WholeSecret);
    }
    // A set is sorted, so an outer place comes before what is inside it.
    let mut outermost: Vec<String> = Vec::new();
    for place in places {
        if !outermost.iter().any(|outer| is_within(&place, outer)) {
            outermost.push(place);
        }
    }
    Ok(outermost)
}

fn is_write_only(annotations: &Value) -> bool {
    annotations.get("writeOnly") == Some(&Value::Bool(true))
}

fn collect(unit: &Value, places: &mut BTreeSet<String>) {
    let marked = |key: &str| unit.get(key).is_some_and(is_write_only);
    if (marked("annotations") || marked("droppedAnnotations"))
        && let Some(place) = unit.get("instanceLocation").and_then(Value::as_str)
    {
        places.insert(place.to_owned());
    }
    for detail in unit.get("details").and_then(Value::as_array).into_iter().flatten() {
        collect(detail, places);
    }
}
