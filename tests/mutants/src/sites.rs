//! Every ordering and every fence: where they stand, and what they are weakened to.

use crate::naming::Names;
use crate::place::{Mutant, NUMBER, Wrap, is_chosen};
use crate::walk::{self, Place};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprMethodCall, ExprPath};

/// The ends of a named edge.
const ENDS: [&str; 3] = ["release", "acquire", "both"];
/// Its fences.
const FENCES: [&str; 3] = ["fence_source", "fence_target", "light_source"];
/// Operations of an atomic that take an ordering.
pub(crate) const OPERATIONS: [&str; 10] = [
    "load",
    "store",
    "swap",
    "compare_exchange",
    "fetch_add",
    "fetch_sub",
    "fetch_max",
    "fetch_or",
    "fetch_and",
    "fetch_update",
];

/// All mutants of the orderings and fences of a file.
pub(crate) fn find(file: &str, syntax: &syn::File, names: &mut Names) -> Vec<Mutant> {
    let mut finder = Finder { file, place: Place::default(), names, found: Vec::new() };
    finder.visit_file(syntax);
    finder.found
}

/// How many ends and fences the text has, whatever the syntax is: none is to be missed in a macro.
pub(crate) fn count(text: &str) -> usize {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.map(|line| {
        let all = ENDS.iter().chain(&FENCES);
        all.map(|end| line.matches(&format!(".{end}()")).count()).sum::<usize>()
    })
    .sum()
}

struct Finder<'a> {
    file: &'a str,
    place: Place,
    names: &'a mut Names,
    found: Vec<Mutant>,
}

impl Finder<'_> {
    fn add(&mut self, what: &str, becomes: &str, wrap: Wrap) {
        let id = self.names.unique(&format!("{}::{} {what}", self.file, self.place), becomes);
        self.found.push(Mutant { id, file: self.file.to_owned(), number: 0, wraps: vec![wrap] });
    }

    /// Has the ordering at this place be another one.
    fn weaken(&mut self, what: &str, at: Range<usize>, weaker: &[&str]) {
        for weak in weaker {
            let open = format!("crate::sync::mutant::weaker({NUMBER}, core::sync::atomic::Ordering::{weak}, ");
            self.add(what, &weak.to_lowercase(), Wrap { at: at.clone(), open, close: ")".to_owned() });
        }
    }

    /// Leaves out what returns nothing.
    fn leave_out(&mut self, what: &str, at: Range<usize>) {
        let open = format!("if !{} {{ ", is_chosen());
        self.add(what, "left out", Wrap { at, open, close: " }".to_owned() });
    }

    fn literal(&mut self, operation: &str, argument: &Expr) {
        let Some(ordering) = ordering(argument) else { return };
        let weaker: &[&str] = match ordering.as_str() {
            "Acquire" | "Release" => &["Relaxed"],
            "AcqRel" => &["Acquire", "Release"],
            "SeqCst" => &["Relaxed"],
            _ => return,
        };
        self.weaken(&format!("{operation} {ordering}"), argument.span().byte_range(), weaker);
    }
}

/// The ordering that is written out.
fn ordering(argument: &Expr) -> Option<String> {
    let Expr::Path(ExprPath { path, .. }) = argument else { return None };
    let last = path.segments.last()?.ident.to_string();
    ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"].contains(&last.as_str()).then_some(last)
}

/// Whether this expression is an ordering: written out, or a named edge's.
pub(crate) fn is_ordering(argument: &Expr) -> bool {
    let is_end = matches!(argument, Expr::MethodCall(call) if ENDS.contains(&call.method.to_string().as_str()));
    is_end || ordering(argument).is_some()
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !walk::is_for_tests(walk::attributes_of_item(item)) {
            let outer = self.place.enter_item(item);
            visit::visit_item(self, item);
            self.place = outer;
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !walk::is_for_tests(&function.attrs) {
            let outer = self.place.enter(&function.sig.ident);
            visit::visit_impl_item_fn(self, function);
            self.place = outer;
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        let outer = self.place.enter(&function.sig.ident);
        visit::visit_trait_item_fn(self, function);
        self.place = outer;
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        if !walk::is_planted(&branch.cond) {
            self.visit_block(&branch.then_branch);
        }
        self.visit_expr(&branch.cond);
        branch.else_branch.iter().for_each(|(_, otherwise)| self.visit_expr(otherwise));
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let method = call.method.to_string();
        let at = call.span().byte_range();
        if let (Expr::Path(edge), true) = (&*call.receiver, call.args.is_empty()) {
            let edge = edge.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            match method.as_str() {
                "release" | "acquire" => self.weaken(&format!("{edge}.{method}"), at, &["Relaxed"]),
                "both" => self.weaken(&format!("{edge}.{method}"), at, &["Acquire", "Release"]),
                end if FENCES.contains(&end) => self.leave_out(&format!("{edge}.{method}"), at),
                _ => {}
            }
        } else if OPERATIONS.contains(&method.as_str()) {
            call.args.iter().for_each(|argument| self.literal(&method, argument));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(function) = &*call.func
            && function.path.segments.last().is_some_and(|last| last.ident == "fence")
        {
            self.leave_out("fence", call.span().byte_range());
        }
        visit::visit_expr_call(self, call);
    }
}
