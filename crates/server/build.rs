//! Lists the files of the web UI, if it was built, so that the program holds them: `web/dist/app`, by `npm run build`.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    // The folder is there in every checkout: one that is missing would make cargo run this each time.
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let app = dist.join("app");
    let index = app.join("index.html");
    let mut code = if index.is_file() {
        format!("pub(super) const PAGE: Option<&str> = Some(include_str!({:?}));\n", index.canonicalize()?)
    } else {
        "pub(super) const PAGE: Option<&str> = None;\n".to_owned()
    };
    code.push_str("pub(super) const ASSETS: &[Asset] = &[\n");
    for name in names(&app.join("assets"))? {
        let file = app.join("assets").join(&name).canonicalize()?;
        let packed = app.join("packed").join(format!("{name}.gz"));
        let packed = packed.canonicalize().map_err(|error| {
            format!(
                "{}: {error}: the build of the web UI was cut short; run scripts/ui.sh, or remove {}",
                packed.display(),
                app.display()
            )
        })?;
        writeln!(
            code,
            "Asset {{ name: {name:?}, plain: include_bytes!({file:?}), gzip: include_bytes!({packed:?}) }},"
        )?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("ui.rs"), code)?;
    Ok(())
}

/// The names of the files in a folder, in order; none if it is not there.
fn names(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
