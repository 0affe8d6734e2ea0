//! Reads the production sources: types, functions and their calls.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

use super::Error;

/// All production sources under one folder.
pub(super) struct Scan {
    pub(super) files: Vec<SourceFile>,
    /// The crates that each crate depends on, by the names of their folders.
    uses: BTreeMap<String, Vec<String>>,
}

/// One file.
pub(super) struct SourceFile {
    /// Relative to the folder.
    pub(super) path: String,
    /// The name of the crate's folder.
    pub(super) krate: String,
    /// The number of lines, without tests.
    pub(super) lines: usize,
    /// Names of the types it declares.
    pub(super) types: Vec<String>,
    /// Names of fields and of functions without arguments, each with a type that is
    /// named in its type.
    pub(super) named_types: Vec<(String, String)>,
    pub(super) functions: Vec<Function>,
}

/// One function, or method.
pub(super) struct Function {
    pub(super) name: String,
    /// The type it is a method of.
    pub(super) owner: Option<String>,
    pub(super) is_trait_impl: bool,
    /// Its calls, in the order of the source.
    pub(super) calls: Vec<Call>,
}

/// One call.
pub(super) struct Call {
    pub(super) name: String,
    /// The field, function or type before the name: `records` in
    /// `self.records.find(..)`.
    pub(super) on: Option<String>,
}

impl Scan {
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
        let (mut files, mut uses) = (Vec::new(), BTreeMap::new());
        for krate in entries(folder)? {
            let sources = krate.join("src");
            if sources.is_dir() {
                read_folder(folder, &sources, &mut files)?;
                let name = krate.file_name().unwrap_or_default().to_string_lossy().into_owned();
                uses.insert(name, our_dependencies(&krate.join("Cargo.toml"))?);
            }
        }
        Ok(Self { files, uses })
    }

    /// Whether a crate can name the functions of another.
    pub(super) fn may_call(&self, from: &str, to: &str) -> bool {
        from == to || self.uses.get(from).is_some_and(|uses| uses.iter().any(|used| used == to))
    }
}

/// The crates of ours that a manifest names, without `bursar-`.
fn our_dependencies(manifest: &Path) -> Result<Vec<String>, Error> {
    let text = fs::read_to_string(manifest).map_err(|source| Error::File { path: manifest.to_owned(), source })?;
    let names = text.lines().filter_map(|line| line.strip_prefix("bursar-")?.split(['.', ' ']).next());
    Ok(names.map(ToOwned::to_owned).collect())
}

fn read_folder(base: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<(), Error> {
    for path in entries(folder)? {
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() {
            read_folder(base, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            files.push(read_file(base, &path)?);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::File { path: folder.to_owned(), source };
    let mut paths = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn read_file(base: &Path, path: &Path) -> Result<SourceFile, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let parsed = syn::parse_file(&text).map_err(|source| Error::Source { path: path.to_owned(), source })?;
    let relative = path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned();
    let krate = relative.split('/').next().unwrap_or_default().to_owned();
    let mut reader = Reader::default();
    reader.visit_file(&parsed);
    let Reader { types, named_types, functions, .. } = reader;
    Ok(SourceFile { path: relative, krate, lines: production_lines(&text), types, named_types, functions })
}

/// Counts the lines before the test module at the end of a file.
fn production_lines(text: &str) -> usize {
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

#[derive(Default)]
struct Reader {
    types: Vec<String>,
    named_types: Vec<(String, String)>,
    functions: Vec<Function>,
    owner: Option<String>,
    is_trait_impl: bool,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.types.push(item.ident.to_string());
        for field in &item.fields {
            if let Some(name) = &field.ident {
                self.name_types(&name.to_string(), &field.ty);
            }
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.types.push(item.ident.to_string());
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.types.push(item.ident.to_string());
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.types.push(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty {
            self.owner = path.path.segments.last().map(|segment| segment.ident.to_string());
        }
        self.is_trait_impl = item.trait_.is_some();
        syn::visit::visit_item_impl(self, item);
        (self.owner, self.is_trait_impl) = (None, false);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block, None);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block, self.owner.clone());
    }
}

impl Reader {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block, owner: Option<String>) {
        if let syn::ReturnType::Type(_, returned) = &signature.output {
            self.name_types(&signature.ident.to_string(), returned);
        }
        let mut calls = Calls::default();
        calls.visit_block(block);
        let (name, is_trait_impl) = (signature.ident.to_string(), self.is_trait_impl);
        self.functions.push(Function { name, owner, is_trait_impl, calls: calls.0 });
    }
}

impl Reader {
    /// Notes every type that is named in the type of something called `name`.
    fn name_types(&mut self, name: &str, of: &syn::Type) {
        let mut named = NamedTypes::default();
        named.visit_type(of);
        self.named_types.extend(named.0.into_iter().map(|of| (name.to_owned(), of)));
    }
}

/// The last part of every path in a type.
#[derive(Default)]
struct NamedTypes(Vec<String>);

impl<'ast> Visit<'ast> for NamedTypes {
    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        self.0.push(segment.ident.to_string());
        syn::visit::visit_path_segment(self, segment);
    }
}

/// What a body calls.
#[derive(Default)]
struct Calls(Vec<Call>);

/// The last name of a receiver.
fn last_name(receiver: &syn::Expr) -> Option<String> {
    match receiver {
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        syn::Expr::MethodCall(call) => Some(call.method.to_string()),
        syn::Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        syn::Expr::Reference(inner) => last_name(&inner.expr),
        syn::Expr::Paren(inner) => last_name(&inner.expr),
        syn::Expr::Try(inner) => last_name(&inner.expr),
        syn::Expr::Await(inner) => last_name(&inner.base),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.visit_expr(&call.receiver);
        for argument in &call.args {
            self.visit_expr(argument);
        }
        self.0.push(Call { name: call.method.to_string(), on: last_name(&call.receiver) });
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        for argument in &call.args {
            self.visit_expr(argument);
        }
        if let syn::Expr::Path(path) = &*call.func {
            let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
            if let Some(name) = names.next() {
                self.0.push(Call { name, on: names.next() });
            }
        } else {
            self.visit_expr(&call.func);
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}
