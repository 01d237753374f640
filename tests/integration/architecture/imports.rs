//! The imports between the files of one crate, read from its source code.
//!
//! A file imports another file when it names one of its items: in a `use`, or in a path that
//! starts with `crate`, `self`, `super` or a child module. A name that a parent re-exports counts
//! as an import of the file that defines it. A bare `mod child;` is no import, and neither is
//! anything below `#[cfg(test)]`. Paths within macro calls are not read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// The path of a module below its crate: `["http", "access"]`.
type Module = Vec<String>;

/// The files of one crate, and which of them each file imports.
pub(super) struct Imports(pub(super) BTreeMap<PathBuf, BTreeSet<PathBuf>>);

/// One source file.
struct File {
    path: PathBuf,
    /// The paths that the file names, absolute within the crate.
    named: BTreeSet<Module>,
    /// The re-exports of the file: the new path, and the path of the definition.
    exports: Vec<(Module, Module)>,
}

impl Imports {
    /// Reads a crate whose root is `lib.rs` in `folder`.
    pub(super) fn of_crate(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        collect(folder, folder, &mut files);
        let mut exports: Vec<_> = files.values().flat_map(|f| f.exports.clone()).collect();
        // The longest first: `a::b::C` before the glob `a`.
        exports.sort_by_key(|(new, _)| std::cmp::Reverse(new.len()));
        let target = |name: &Module| file_of(&files, &resolve(name.clone(), &exports));
        let imports = files.values().map(|file| {
            let targets = file.named.iter().filter_map(target);
            let others = targets.filter(|path| *path != file.path).collect();
            (file.path.clone(), others)
        });
        Self(imports.collect())
    }

    /// The number of imports.
    pub(super) fn count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Every set of files that import each other in a cycle.
    pub(super) fn cycles(&self) -> Vec<BTreeSet<&Path>> {
        let reached: BTreeMap<_, _> = self.0.keys().map(|file| (file, self.reach(file))).collect();
        let mut cycles = BTreeSet::new();
        for (file, others) in &reached {
            let back = |other: &&PathBuf| reached[*other].contains(*file);
            let cycle: BTreeSet<&Path> = others
                .iter()
                .copied()
                .filter(back)
                .map(PathBuf::as_path)
                .collect();
            cycles.extend((!cycle.is_empty()).then_some(cycle));
        }
        cycles.into_iter().collect()
    }

    /// All files that a file imports, directly or through others.
    fn reach(&self, file: &Path) -> BTreeSet<&PathBuf> {
        let mut found = BTreeSet::new();
        let mut next: Vec<_> = self.0[file].iter().collect();
        while let Some(file) = next.pop() {
            if found.insert(file) {
                next.extend(&self.0[file]);
            }
        }
        found
    }
}

/// Follows re-exports from a path to where the item is defined.
fn resolve(mut name: Module, exports: &[(Module, Module)]) -> Module {
    // Re-exports of re-exports end after a few steps; the bound guards against a cycle of them.
    for _ in 0..8 {
        let Some((new, old)) = exports.iter().find(|(new, _)| name.starts_with(new)) else {
            break;
        };
        let rest = name.split_off(new.len());
        name = [old.clone(), rest].concat();
    }
    name
}

/// The file of the longest module that a path starts with.
fn file_of(files: &BTreeMap<Module, File>, name: &Module) -> Option<PathBuf> {
    let lengths = (0..=name.len()).rev();
    let file = lengths
        .filter_map(|length| files.get(&name[..length]))
        .next();
    file.map(|file| file.path.clone())
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<Module, File>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            collect(root, &path, files);
        } else if name.ends_with(".rs")
            && name != "main.rs"
            && !name.ends_with("test.rs")
            && !name.ends_with("tests.rs")
        {
            let below = path.strip_prefix(root).unwrap().with_extension("");
            let mut module: Module = below
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if below == Path::new("lib") {
                module.clear();
            }
            files.insert(module.clone(), read(&path, module));
        }
    }
}

fn read(path: &Path, module: Module) -> File {
    let code = std::fs::read_to_string(path).unwrap();
    let syntax =
        syn::parse_file(&code).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let children = syntax.items.iter().filter_map(|item| match item {
        Item::Mod(child) if !is_test(&child.attrs) => Some(child.ident.to_string()),
        _ => None,
    });
    let mut names = Names {
        module,
        children: children.collect(),
        named: BTreeSet::new(),
        exports: Vec::new(),
    };
    names.visit_file(&syntax);
    File {
        path: path.to_owned(),
        named: names.named,
        exports: names.exports,
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = |list: &syn::MetaList| list.tokens.to_string();
        let list = attribute.meta.require_list();
        attribute.path().is_ident("cfg") && list.is_ok_and(|list| text(list) == "test")
    })
}

/// Collects the paths that a file names.
struct Names {
    /// The module that is being read, inline modules included.
    module: Module,
    children: BTreeSet<String>,
    named: BTreeSet<Module>,
    exports: Vec<(Module, Module)>,
}

impl Names {
    /// A path as one from the root of the crate; `None` for one of another crate or of a local name.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let up = path.iter().take_while(|part| *part == "super").count();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&self.module, rest].concat()),
            "super" => {
                let parent = self.module.len().checked_sub(up)?;
                Some([&self.module[..parent], &path[up..]].concat())
            }
            child if self.children.contains(child) => Some([&self.module, path].concat()),
            _ => None,
        }
    }

    /// Notes each path of a `use`, with the name that it introduces.
    fn note(&mut self, tree: &UseTree, prefix: &[String], public: bool) {
        let (path, name) = match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                return self.note(&path.tree, &prefix, public);
            }
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.note(tree, prefix, public));
            }
            UseTree::Name(name) if name.ident == "self" => {
                (prefix.to_vec(), prefix.last().cloned())
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                ([prefix, std::slice::from_ref(&name)].concat(), Some(name))
            }
            UseTree::Rename(rename) => {
                let path = [prefix, &[rename.ident.to_string()]].concat();
                (path, Some(rename.rename.to_string()))
            }
            UseTree::Glob(_) => (prefix.to_vec(), None),
        };
        let Some(absolute) = self.absolute(&path) else {
            return;
        };
        if let Some(name) = name.filter(|_| public) {
            let new = [self.module.as_slice(), &[name]].concat();
            self.exports
                .extend((new != absolute).then(|| (new, absolute.clone())));
        }
        self.named.insert(absolute);
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let public = !matches!(item.vis, syn::Visibility::Inherited);
        self.note(&item.tree, &[], public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if parts.len() > 1 {
            self.named.extend(self.absolute(&parts));
        }
        syn::visit::visit_path(self, path);
    }

    /// The path in `pub(in path)` names a module but imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
