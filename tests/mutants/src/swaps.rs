//! Every two neighbouring statements of a block that publish something, in the other order.
//!
//! The first of the two is moved behind the second, past whatever stands between, if it binds no name and does not leave the
//! block. The second may be a statement, the value of a `let` or of the block, or what an `if` or a `match` asks. If the first one is a
//! `let`, the second is moved in front of it, if it is a statement. What then does not compile is no mutant.

use crate::naming::Names;
use crate::place::{Mutant, Wrap, is_chosen};
use crate::publish::Publishers;
use crate::walk::{self, Place};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Pat, Stmt};

/// All mutants of this kind of a file.
pub(crate) fn find(
    file: &str,
    text: &str,
    syntax: &syn::File,
    publishers: &Publishers,
    names: &mut Names,
) -> Vec<Mutant> {
    let mut finder = Finder { file, text, place: Place::default(), publishers, names, found: Vec::new() };
    finder.visit_file(syntax);
    finder.found
}

struct Finder<'a> {
    file: &'a str,
    text: &'a str,
    place: Place,
    publishers: &'a Publishers,
    names: &'a mut Names,
    found: Vec<Mutant>,
}

impl Finder<'_> {
    fn block(&mut self, block: &Block) {
        // The last statement that published.
        let mut first: Option<(First, String)> = None;
        for (index, statement) in block.stmts.iter().enumerate() {
            let is_last = index + 1 == block.stmts.len();
            if is_planted(statement) {
                continue;
            }
            if let Some((at, second)) = self.second(statement, is_last)
                && let Some((first, what)) = first.take()
                && !(matches!(first, First::Binds(_)) && matches!(statement, Stmt::Local(_)))
            {
                self.swap(first, &what, at, &second);
            }
            if let Some(found) = self.first(statement, is_last) {
                first = found;
            }
        }
    }

    /// What this statement is as the first of two; `None`: it publishes nothing, and stands between.
    #[expect(clippy::option_option, reason = "what publishes and cannot be moved ends what came before it")]
    fn first(&self, statement: &Stmt, is_last: bool) -> Option<Option<(First, String)>> {
        let at = statement.span().byte_range();
        match statement {
            Stmt::Expr(expression, semicolon) => {
                let what = self.publishers.what(expression)?;
                let is_movable = (semicolon.is_some() || !is_last) && stays(expression) && !has_attributes(expression);
                Some(is_movable.then_some((First::Moves(at), what)))
            }
            Stmt::Local(local) => {
                let init = local.init.as_ref()?;
                let what = self.publishers.what(&init.expr)?;
                let is_nameless = matches!(local.pat, Pat::Wild(_)) && init.diverge.is_none() && stays(&init.expr);
                Some(Some((if is_nameless { First::Moves(at) } else { First::Binds(at) }, what)))
            }
            _ => None,
        }
    }

    /// Behind what the first one is moved: an expression or a whole statement, and what it publishes.
    fn second(&self, statement: &Stmt, is_last: bool) -> Option<(Behind, String)> {
        match statement {
            Stmt::Local(local) => {
                let init = local.init.as_ref()?;
                let what = self.publishers.what(&init.expr)?;
                match init.diverge {
                    // Behind the whole, so that what it borrows lives.
                    None if stays(&init.expr) => Some((Behind::Statement(statement.span().byte_range()), what)),
                    _ => Some((Behind::Value(value(&init.expr).span().byte_range()), what)),
                }
            }
            Stmt::Expr(expression, semicolon) => {
                let asked = match expression {
                    Expr::If(branch) => Some(condition(&branch.cond)),
                    Expr::Match(choice) => Some(&*choice.expr),
                    Expr::While(_) | Expr::Loop(_) => None,
                    _ => Some(expression),
                };
                if let Some(asked) = asked
                    && !core::ptr::eq(asked, expression)
                    && let Some(what) = self.publishers.what(asked)
                {
                    return Some((Behind::Value(value(asked).span().byte_range()), what));
                }
                let what = self.publishers.what(expression)?;
                if has_attributes(expression) {
                    return None;
                }
                if !stays(expression) {
                    let inner = value(expression);
                    let is_question = !core::ptr::eq(inner, expression) && stays(inner);
                    return is_question.then(|| (Behind::Value(inner.span().byte_range()), what));
                }
                let is_value = is_last && semicolon.is_none();
                let at = if is_value { expression.span() } else { statement.span() }.byte_range();
                Some((if is_value { Behind::Value(at) } else { Behind::Statement(at) }, what))
            }
            _ => None,
        }
    }

    fn swap(&mut self, first: First, what: &str, second: Behind, with: &str) {
        let is = is_chosen();
        let text = |at: &Range<usize>| self.text[at.clone()].trim_end_matches(';').to_owned();
        let unless = |at| Wrap { at, open: format!("if !{is} {{ "), close: " }".to_owned() };
        let wraps = match (first, second) {
            (First::Moves(first), Behind::Statement(at)) => {
                let close = format!(" if {is} {{ {}; }}", text(&first));
                vec![unless(first), Wrap { at, open: String::new(), close }]
            }
            (First::Moves(first), Behind::Value(at)) => {
                let (open, moved) = ("{ let of_a_mutant = ".to_owned(), text(&first));
                vec![unless(first), Wrap { at, open, close: format!("; if {is} {{ {moved}; }} of_a_mutant }}") }]
            }
            (First::Binds(first), Behind::Statement(at)) => {
                let open = format!("if {is} {{ {}; }} ", text(&at));
                vec![Wrap { at: first, open, close: String::new() }, unless(at)]
            }
            (First::Binds(_), Behind::Value(_)) => return,
        };
        let id = self.names.unique(&format!("{}::{} {what}, {with}", self.file, self.place), "swapped");
        self.found.push(Mutant { id, file: self.file.to_owned(), number: 0, wraps });
    }
}

enum First {
    Moves(Range<usize>),
    Binds(Range<usize>),
}

enum Behind {
    Statement(Range<usize>),
    Value(Range<usize>),
}

/// Whether it is there as a planted bug only.
fn is_planted(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(Expr::If(branch), _) if branch.else_branch.is_none() && walk::is_planted(&branch.cond))
}

/// Whether it is there in some builds only.
fn has_attributes(expression: &Expr) -> bool {
    let attributes = match expression {
        Expr::Block(block) => &block.attrs,
        Expr::Call(call) => &call.attrs,
        Expr::MethodCall(call) => &call.attrs,
        Expr::If(branch) => &branch.attrs,
        Expr::Return(value) => &value.attrs,
        _ => return false,
    };
    !attributes.is_empty()
}

/// What is asked for by an `if`.
fn condition(asked: &Expr) -> &Expr {
    match asked {
        Expr::Let(binding) => &binding.expr,
        _ => asked,
    }
}

/// Without the question mark that leaves the function.
fn value(expression: &Expr) -> &Expr {
    match expression {
        Expr::Try(question) => &question.expr,
        _ => expression,
    }
}

/// Whether it is never left but by its end.
fn stays(expression: &Expr) -> bool {
    struct Leaves(bool);
    impl<'ast> Visit<'ast> for Leaves {
        fn visit_expr_return(&mut self, _: &'ast syn::ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_try(&mut self, _: &'ast syn::ExprTry) {
            self.0 = true;
        }
        fn visit_expr_break(&mut self, _: &'ast syn::ExprBreak) {
            self.0 = true;
        }
        fn visit_expr_continue(&mut self, _: &'ast syn::ExprContinue) {
            self.0 = true;
        }
        // What leaves a closure, or a loop within, stays here.
        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    }
    let mut leaves = Leaves(false);
    leaves.visit_expr(expression);
    !leaves.0
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

    fn visit_block(&mut self, block: &'ast Block) {
        self.block(block);
        visit::visit_block(self, block);
    }
}
