//! Where in a source something stands, and what of it belongs to tests.

use std::fmt;
use syn::{Attribute, Expr, Item, Type};

/// The function, with its type and what it lies in: `Ring::push`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place(Vec<String>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("::"))
    }
}

impl Place {
    /// Goes into something of that name; where one was before.
    pub(crate) fn enter(&mut self, name: &impl ToString) -> Self {
        let outer = self.clone();
        self.0.push(name.to_string());
        outer
    }

    /// Goes into an item, if it has a name that says where one is; where one was before.
    pub(crate) fn enter_item(&mut self, item: &Item) -> Self {
        match item {
            Item::Fn(function) => self.enter(&function.sig.ident),
            Item::Mod(module) => self.enter(&module.ident),
            Item::Trait(item) => self.enter(&item.ident),
            Item::Impl(item) => self.enter(&type_name(&item.self_ty)),
            _ => self.clone(),
        }
    }
}

fn type_name(item: &Type) -> String {
    match item {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => String::new(),
    }
}

/// Whether what has these attributes is there for this crate's tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let text = list.tokens.to_string();
        list.path.is_ident("cfg") && (text == "test" || text.starts_with("all (test"))
    })
}

pub(crate) fn attributes_of_item(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether this is the condition of a planted bug, and of nothing else: what it guards is the bug, and has no mutants.
pub(crate) fn is_planted(condition: &Expr) -> bool {
    if let Expr::Binary(both) = condition
        && matches!(both.op, syn::BinOp::And(_))
    {
        return is_planted(&both.left);
    }
    let Expr::Call(call) = condition else { return false };
    let Expr::Path(function) = &*call.func else { return false };
    let path: Vec<_> = function.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    path.ends_with(&["mutant".to_owned(), "is".to_owned()])
}
