//! No file of the product imports itself through others.

use super::imports::Imports;
use super::root;
use std::path::Path;

const CRATES: [&str; 4] = ["config/src", "actors/exposition/src", "actors/src", "src"];

#[test]
fn no_file_imports_itself_through_others() {
    let mut cycles = String::new();
    for folder in CRATES {
        let imports = Imports::of_crate(&root().join(folder));
        println!(
            "{folder}: {} files, {} imports",
            imports.0.len(),
            imports.count()
        );
        assert!(
            imports.count() > imports.0.len() / 2,
            "the imports of {folder} were not found"
        );
        for cycle in imports.cycles() {
            cycles += &format!("a cycle of {} files:\n", cycle.len());
            for (file, others) in imports
                .0
                .iter()
                .filter(|(file, _)| cycle.contains(file.as_path()))
            {
                for other in others
                    .iter()
                    .filter(|other| cycle.contains(other.as_path()))
                {
                    cycles += &format!("    {} imports {}\n", name(file), name(other));
                }
            }
        }
    }
    assert!(cycles.is_empty(), "\n{cycles}");
}

fn name(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

/// The sources of a crate made for a test.
fn crate_of(files: &[(&str, &str)]) -> Imports {
    let folder = tempfile::tempdir().unwrap();
    for (path, code) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, code).unwrap();
    }
    Imports::of_crate(folder.path())
}

#[test]
fn a_cycle_is_found_through_every_form_of_import() {
    let back_to_a = [
        "use crate::a::A;",
        "use super::a::{self, A};",
        "fn f() -> crate::a::A { todo!() }",
        "use crate::A;",
        "use super::*; fn f() { super::a::f() }",
    ];
    for code in back_to_a {
        let imports = crate_of(&[
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\n"),
            ("a.rs", "use crate::b::B;\npub struct A;\n"),
            ("b.rs", code),
        ]);
        assert_eq!(imports.cycles().len(), 1, "{code}");
    }
}

#[test]
fn module_maps_tests_and_re_exports_make_no_cycle() {
    let imports = crate_of(&[
        ("lib.rs", "mod a;\nmod b;\npub use b::B;\n"),
        (
            "a.rs",
            "mod child;\npub use child::Child;\n#[cfg(test)]\nmod tests { use crate::b::B; }\n",
        ),
        ("a/child.rs", "pub struct Child;\n"),
        (
            "b.rs",
            "use crate::a::Child;\npub struct B;\n#[cfg(test)]\nuse crate::a::tests;\n",
        ),
    ]);
    assert_eq!(imports.cycles().len(), 0);
}

#[test]
fn a_parent_and_a_child_that_import_each_other_are_a_cycle() {
    let imports = crate_of(&[
        ("lib.rs", "mod a;\n"),
        (
            "a.rs",
            "mod child;\nuse child::Child;\npub const LIMIT: usize = 1;\n",
        ),
        ("a/child.rs", "use super::LIMIT;\npub struct Child;\n"),
    ]);
    assert_eq!(imports.cycles().len(), 1);
}
