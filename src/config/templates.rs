//! The folder of templates → [`Templates`], each tried on a sample before it is believed.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::config::fault::{Fault, Faults};
use crate::digest::Digest;
use crate::message::Message;
use crate::message::templates::{TemplateError, Templates};

/// The shipped templates, with those of `folder` in their places.
pub(super) fn read(
    folder: Option<&Path>,
    zone: &TimeZone,
    languages: &[String],
) -> Result<Templates, Faults> {
    let mut templates = Templates::new(zone.clone()).for_readers_of(languages);
    let mut faults = Faults::default();
    let Some(folder) = folder else {
        return Ok(templates);
    };
    let files = match files(folder) {
        Ok(files) => files,
        Err(error) => {
            return Err(
                Fault::new(folder.display(), None, format!("cannot be read: {error}")).into(),
            );
        }
    };
    let fault = |error: &TemplateError| {
        Fault::new(
            folder.join(&error.name).display(),
            error.line,
            &error.message,
        )
    };
    for (name, text) in files {
        if let Err(error) = templates.set(&name, text) {
            faults.push(fault(&error));
        }
    }
    if faults.0.is_empty() {
        let samples = Message::samples();
        let alerts = samples.iter().flat_map(|it| templates.faults(it));
        let samples = Digest::samples();
        let digests = samples.iter().flat_map(|it| templates.digest_faults(it));
        for error in alerts.chain(digests) {
            let fault = fault(&error);
            if !faults.0.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    faults.or(templates)
}

/// Names and texts, in the order of the names.
fn files(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
        // Editors leave hidden files and copies with a tilde.
        if let Some(name) = name.filter(|it| !it.starts_with('.') && !it.ends_with('~')) {
            files.push((name, std::fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}
