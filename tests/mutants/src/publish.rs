//! Which functions publish something: what others see of it depends on when it is done.

use crate::sites;
use crate::walk;
use std::collections::{HashMap, HashSet};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprCall, ExprMethodCall};

/// Calls that publish by themselves: what is in them is the kernel's, the C library's, or a plain access to a payload (a read, too:
/// what permits to write over it must come later).
const BY_THEMSELVES: [&str; 13] = [
    "payload::write",
    "payload::write_run",
    "payload::write_bytes",
    "payload::read",
    "payload::read_run",
    "payload::read_bytes",
    "payload::append_bytes",
    "futex::wake",
    "posix::post",
    "posix::unlock",
    "posix::lock",
    "byte_lock::unlock",
    "byte_lock::try_lock",
];

/// Names that mean something else nearly everywhere, in the standard library: a call of them publishes nothing, as far as names tell.
const COMMON: [&str; 40] = [
    "new",
    "drop",
    "get",
    "set",
    "push",
    "pop",
    "insert",
    "take",
    "map",
    "next",
    "write",
    "read",
    "clone",
    "from",
    "len",
    "fmt",
    "with",
    "for_each",
    "default",
    "into_iter",
    "iter_mut",
    "copy_from_slice",
    "of",
    "ticket",
    "length",
    "left_in_frame",
    "bytes",
    "lanes",
    "is_too_much",
    "within",
    "iter",
    "add",
    "run",
    "bits",
    "instance",
    "find",
    "sender",
    "seen_in_frame",
    "number_ahead",
    "mapped",
];

/// Functions that look, or wait, and publish by the way what they find to be done for the dead: in which order one looks is not what is
/// asked here.
const LOOKS: [&str; 8] = ["look", "probe", "found", "wait", "sleep", "sleep_or_nap", "nap", "is_lost"];

/// The functions that publish, by their names.
#[derive(Debug, Default)]
pub(crate) struct Publishers(HashSet<String>);

impl Publishers {
    /// Those among the functions of all these files, and whatever calls them.
    pub(crate) fn of<'a>(files: impl Iterator<Item = &'a syn::File>) -> Self {
        let mut collector = Collector::default();
        files.for_each(|file| collector.visit_file(file));
        let mut publishers = Self::default();
        loop {
            let before = publishers.0.len();
            for (name, bodies) in &collector.functions {
                let is_one = !COMMON.contains(&name.as_str()) && !LOOKS.contains(&name.as_str());
                if is_one && bodies.iter().any(|body| publishers.is_in_block(body)) {
                    publishers.0.insert(name.clone());
                }
            }
            if publishers.0.len() == before {
                return publishers;
            }
        }
    }

    /// What in this expression publishes, in a few words: the last of it.
    pub(crate) fn what(&self, expression: &Expr) -> Option<String> {
        let mut look = Look { publishers: self, found: None };
        look.visit_expr(expression);
        look.found
    }

    fn is_in_block(&self, block: &Block) -> bool {
        let mut look = Look { publishers: self, found: None };
        look.visit_block(block);
        look.found.is_some()
    }
}

#[derive(Default)]
struct Collector {
    /// All that have this name: it publishes if one of them does.
    functions: HashMap<String, Vec<Block>>,
}

impl Collector {
    fn add(&mut self, name: String, body: &Block) {
        self.functions.entry(name).or_default().push(body.clone());
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !walk::is_for_tests(walk::attributes_of_item(item)) {
            if let syn::Item::Fn(function) = item {
                self.add(function.sig.ident.to_string(), &function.block);
            }
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(function.sig.ident.to_string(), &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(function.sig.ident.to_string(), body);
        }
    }
}

struct Look<'a> {
    publishers: &'a Publishers,
    found: Option<String>,
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        if !walk::is_planted(&branch.cond) {
            return visit::visit_expr_if(self, branch);
        }
        branch.else_branch.iter().for_each(|(_, otherwise)| self.visit_expr(otherwise));
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        let method = call.method.to_string();
        let is_atomic = method != "load"
            && sites::OPERATIONS.contains(&method.as_str())
            && call.args.last().is_some_and(sites::is_ordering);
        if is_atomic {
            self.found = Some(format!("{}.{method}", last_name(&call.receiver)));
        } else if self.publishers.0.contains(&method) {
            self.found = Some(method);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        visit::visit_expr_call(self, call);
        let Expr::Path(function) = &*call.func else { return };
        let names: Vec<_> = function.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let Some(name) = names.last() else { return };
        let with_module = names[names.len().saturating_sub(2)..].join("::");
        if BY_THEMSELVES.contains(&with_module.as_str()) || self.publishers.0.contains(name) {
            self.found = Some(name.clone());
        }
    }
}

/// What an atomic is called where it is used.
fn last_name(receiver: &Expr) -> String {
    match receiver {
        Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => name.to_string(),
            // A word within a word: `tail.0`.
            syn::Member::Unnamed(_) => last_name(&field.base),
        },
        Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        Expr::MethodCall(call) => call.method.to_string(),
        Expr::Call(call) => last_name(&call.func),
        Expr::Reference(reference) => last_name(&reference.expr),
        Expr::Unary(unary) => last_name(&unary.expr),
        Expr::Paren(paren) => last_name(&paren.expr),
        Expr::Unsafe(block) => match block.block.stmts.last() {
            Some(syn::Stmt::Expr(last, None)) => last_name(last),
            _ => "word".to_owned(),
        },
        _ => "word".to_owned(),
    }
}
