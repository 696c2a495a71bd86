# prinex: what the certificate scripts share
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# Sourced, never run. Sets: prog, here, work (a temporary folder, removed at exit).
# shellcheck shell=sh

prog=$(basename "$0")
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=

die() {
	printf '%s: %s\n' "$prog" "$*" >&2
	exit 1
}

# A mistake in the arguments: exit 2, so that scripts can tell it from a failure.
bad_usage() {
	printf '%s: %s\n' "$prog" "$*" >&2
	printf 'Try: %s --help\n' "$prog" >&2
	exit 2
}

start_work() {
	command -v openssl >/dev/null 2>&1 || die "the openssl command is not installed (package openssl)"
	work=$(mktemp -d "${TMPDIR:-/tmp}/prinex-certs.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# The machine's own openssl.cnf has no say in what these scripts make.
	OPENSSL_CONF=$here/openssl.cnf
	# Nor have the CAs that it trusts; "openssl x509" would read them all at each start (50 ms on Debian 12).
	SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/dev/null
	PX_CA=$work PX_SAN=DNS:unset PX_SKI=hash
	export OPENSSL_CONF SSL_CERT_FILE SSL_CERT_DIR PX_CA PX_SAN PX_SKI
}

# Run openssl silently; what it said is shown only if it fails.
ssl() {
	openssl "$@" >"$work/said" 2>&1 && return 0
	printf '%s: openssl %s failed:\n' "$prog" "$1" >&2
	sed 's/^/    /' "$work/said" >&2
	exit 1
}

matches() { # TEXT EXTENDED-REGEX
	case $1 in *'
'*) return 1 ;; esac
	printf '%s\n' "$1" | LC_ALL=C grep -Eqx -e "$2"
}

check_authority() {
	matches "$1" '[A-Z]{2}([.-][A-Z0-9]{1,12})?' ||
		bad_usage "authority '$1': expected two capital letters, then nothing or '.' or '-' and 1 to 12 of A-Z 0-9, such as BY or BY-GTK1"
}

# 32 characters are what the broker keeps of a name (PX_NAME_MAX).
check_name() {
	matches "$1" '[a-z0-9][a-z0-9._-]{0,31}' ||
		bad_usage "name '$1': expected 1 to 32 of a-z 0-9 . _ - (lower case only) beginning with a letter or digit"
}

check_role() {
	case $1 in
	system | node | officer) ;;
	*) bad_usage "role '$1': expected system, node or officer" ;;
	esac
}

check_count() { # OPTION VALUE
	matches "$2" '[0-9]{1,9}' || bad_usage "$1 '$2': expected a whole number"
}

check_dns() {
	label='[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
	if [ ${#1} -gt 253 ] || ! matches "$1" "($label\\.)*$label"; then
		bad_usage "--dns '$1': expected one exact host name (no wildcard, port or URL)"
	fi
	! matches "$1" '[0-9.]+' || bad_usage "--dns '$1': that is an address; use --ip"
}

# Shape only: openssl has the last word on addresses.
check_ip() {
	matches "$1" '((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.|$)){4}|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*' ||
		bad_usage "--ip '$1': expected an IPv4 or IPv6 address without brackets, port or prefix length"
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

# The public key of a certificate, request, public or private key file (PEM; the first one counts), in PEM.
public_key_of() { # FILE
	case $(sed -n '/^-----BEGIN /{p;q;}' "$1" | tr -d '\r') in
	*' CERTIFICATE-----') openssl x509 -in "$1" -noout -pubkey ;;
	*' CERTIFICATE REQUEST-----') openssl req -in "$1" -noout -pubkey ;;
	*' PUBLIC KEY-----') openssl pkey -pubin -in "$1" -pubout ;;
	*) openssl pkey -in "$1" -pubout ;;
	esac 2>/dev/null
}

# SHA-256 over the DER SubjectPublicKeyInfo, in lower-case hex.
pin_of() { # PUBLIC-KEY-IN-PEM
	printf '%s\n' "$1" | openssl pkey -pubin -pubout -outform DER 2>/dev/null | openssl dgst -sha256 -r | cut -d' ' -f1
}

# What kind of key: P-256, P-384, RSA-2048, ... or what openssl calls it.
kind_of() { # WHAT openssl SAYS WITH -text OF A KEY OR CERTIFICATE
	case $1 in
	*'ASN1 OID: '*) printf '%s\n' "$1" | sed -n 's/^ *NIST CURVE: //p; s/^ *ASN1 OID: //p' | tail -n 1 ;;
	*Modulus:*) printf '%s\n' "$1" | sed -n 's/^.*Public-Key: (\([0-9]*\) bit.*/RSA-\1/p' | head -n 1 ;;
	*) printf '%s\n' "$1" | sed -n 's/^ *\(.*\) Public-Key.*/\1/p' | head -n 1 ;;
	esac
}

key_is_allowed() { # KIND
	case $1 in
	P-256 | P-384) return 0 ;;
	RSA-*) [ "${1#RSA-}" -ge 2048 ] ;;
	*) return 1 ;;
	esac
}
