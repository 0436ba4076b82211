# What the checks have in common: sourced by each, run by none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CARGO_TERM_COLOR=never

# What cannot be done here is said, with the reason; `.ci/run` gathers these lines.
skip() { printf 'SKIPPED: %s\n' "$*"; }
