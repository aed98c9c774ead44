//! The public API of mixq-build, as a list: what grows it must be written here.

use std::fs;
use std::path::Path;

use syn::{Attribute, File, ImplItem, Item, Type, UseTree, Visibility};

/// What a user of the crate can name outside of the hidden module, with fields and methods.
const FACE: [&str; 18] = [
    "Error",
    "Error::problems",
    "Location",
    "Location::column",
    "Location::line",
    "Location::line_text",
    "Location::path",
    "Location::source",
    "Location::span",
    "Problem",
    "Problem::at",
    "Problem::help",
    "Problem::io",
    "Problem::location",
    "Problem::message",
    "Problem::new",
    "build",
    "test_images",
];

/// A file of src; a module may be a folder.
fn read(file: &str) -> File {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folder = source.join(file).with_extension("").join("mod.rs");
    let path = if folder.exists() { folder } else { source.join(file) };
    syn::parse_file(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))).unwrap()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc") && attribute.parse_args::<syn::Ident>().is_ok_and(|a| a == "hidden")
    })
}

/// Module and name of everything in a `use`.
fn names(tree: &UseTree, module: &str, found: &mut Vec<(String, String)>) {
    match tree {
        UseTree::Path(path) if module.is_empty() => names(&path.tree, &path.ident.to_string(), found),
        UseTree::Name(name) => found.push((module.to_string(), name.ident.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, module, found)),
        UseTree::Path(_) | UseTree::Rename(_) | UseTree::Glob(_) => {
            panic!("lib.rs re-exports items of its modules by their names")
        }
    }
}

/// Public fields and methods of a type, in the file that declares it.
fn members(file: &File, name: &str) -> Vec<String> {
    let mut members = Vec::new();
    for item in &file.items {
        match item {
            Item::Struct(item) if item.ident == name => {
                let public = item.fields.iter().filter(|field| is_public(&field.vis));
                members.extend(public.filter_map(|field| field.ident.as_ref()).map(ToString::to_string));
            }
            Item::Enum(item) if item.ident == name => {
                members.extend(item.variants.iter().map(|variant| variant.ident.to_string()));
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let Type::Path(of) = &*item.self_ty else { continue };
                if !of.path.is_ident(name) {
                    continue;
                }
                members.extend(item.items.iter().filter_map(|item| match item {
                    ImplItem::Fn(method) if is_public(&method.vis) => Some(method.sig.ident.to_string()),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    members
}

#[test]
fn the_public_api_is_this_list() {
    let mut face = Vec::new();
    for item in &read("lib.rs").items {
        match item {
            Item::Use(item) if is_public(&item.vis) => {
                let mut found = Vec::new();
                names(&item.tree, "", &mut found);
                for (module, name) in found {
                    let members = members(&read(&format!("{module}.rs")), &name);
                    face.extend(members.iter().map(|member| format!("{name}::{member}")));
                    face.push(name);
                }
            }
            Item::Mod(item) => assert!(
                !is_public(&item.vis) || is_hidden(&item.attrs),
                "module `{}` is public; the hidden module `engine` opens it for other crates of mixq",
                item.ident
            ),
            Item::Use(_) => {}
            _ => panic!("lib.rs has modules and re-exports alone"),
        }
    }
    face.sort();
    // A field and a method may have one name.
    face.dedup();
    assert_eq!(face, FACE);
    assert!(face.len() < 20);
}
