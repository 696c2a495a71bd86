#!/bin/sh
# prinex: tests of certs/: the test PKI, requests, the profile check, pins
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
#
# Certificates are judged by "openssl verify" with an own CA file only, never by the scripts alone.
set -u

# "openssl x509" reads all CAs that the machine trusts at each start: 50 ms that nothing here needs.
SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/dev/null
export SSL_CERT_FILE SSL_CERT_DIR

certs=$(CDPATH='' cd -- "$(dirname -- "$0")/../../certs" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/prinex-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
pki="$tmp/a folder"
out=$tmp/out
count=0 bad=0

result() { # STATUS TEXT
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' $count "$2"
	else
		printf 'not ok %d - %s\n' $count "$2"
		sed 's/^/# /' "$out"
		bad=$((bad + 1))
	fi
}

# check TEXT COMMAND...: the command must succeed; what it printed is shown if it does not.
check() {
	text=$1
	shift
	"$@" >"$out" 2>&1
	result $? "$text"
}

# refuses TEXT STATUS REGEX COMMAND...: it must end with the status and print a line that matches.
refuses() {
	text=$1 status=$2 regex=$3
	shift 3
	"$@" >"$out" 2>&1
	got=$?
	{ [ $got -eq "$status" ] && grep -Eq -e "$regex" "$out"; } ||
		{ printf 'status %d, expected %d with: %s\n' $got "$status" "$regex" >>"$out" && false; }
	result $? "$text"
}

all() { # COMMAND ITEM...: the command must succeed for every item
	command=$1 problems=0
	shift
	for item; do
		"$command" "$item" || { printf 'fails: %s %s\n' "$command" "$item" && problems=1; }
	done
	return $problems
}

verify() { # ANCHORS CERT [MORE ARGUMENTS]; the certificate's own file gives the chain
	anchors=$1 cert=$2
	shift 2
	openssl verify -no-CApath -no-CAstore -purpose any -x509_strict "$@" -untrusted "$cert" -CAfile "$anchors" "$cert" 2>&1
}

ext() { openssl x509 -in "$1" -noout -ext "$2" | sed -n '2s/^ *//p'; }
certs_in() { grep -c 'BEGIN CERTIFICATE' "$1"; }
same() { [ "$1" = "$2" ] || { printf "'%s' is not '%s'\n" "$1" "$2" && false; }; }

# --- the PKI -------------------------------------------------------------------

started=$(date +%s)
check "make-pki makes two authorities" "$certs/make-pki" --quiet --dns broker.example --ip 192.0.2.7 "$pki" BY UA-GK2
check "make-pki says nothing when --quiet" test ! -s "$out"
check "--wrong adds the wrong ones to an authority that exists" "$certs/make-pki" --wrong "$pki" BY
echo "# make-pki: $(($(date +%s) - started)) s"
by=$pki/BY ua=$pki/UA-GK2 wrong=$pki/wrong/BY

exists() {
	for a in BY UA-GK2; do [ -s "$pki/$a/$1" ] || return 1; done
}
check "layout is complete" all exists tls-ca.pem tls-ca.key tls-ca.crl sign-ca.pem sign-int.pem sign-chain.pem \
	sign-crl.pem anchors.pem node/tls.pem node/tls.key node/sign.pem node/sign.key system/tls.pem system/tls.key \
	system/sign.pem system/sign.key system/sign-ec.pem system/sign-ec.key officer/tls.pem officer/tls.key

open_keys() { find "$pki" -name '*.key' ! -perm 600 | grep . && return 1; [ "$(find "$pki" -name '*.key' | wc -l)" -gt 40 ]; }
check "every key has mode 0600" open_keys
check "nothing but keys holds a private key" test -z "$(grep -rl 'PRIVATE KEY' "$pki" | grep -v '\.key$')"
check "anchors.pem is the signing root alone" cmp "$by/anchors.pem" "$by/sign-ca.pem"

pair() { same "$(openssl x509 -in "$1.pem" -noout -pubkey)" "$(openssl pkey -in "$1.key" -pubout)"; }
key_fits() { pair "$by/$1"; }
leaves='node/tls node/sign system/tls system/sign system/sign-ec officer/tls'
# shellcheck disable=SC2086
check "keys belong to their certificates" all key_fits $leaves
distinct() {
	find "$pki" -name '*.key' -exec sha256sum {} + | cut -d' ' -f1 >"$tmp/sums"
	[ "$(wc -l <"$tmp/sums")" -gt 40 ] && [ -z "$(sort "$tmp/sums" | uniq -d)" ]
}
check "no key is used twice" distinct

verifies_tls() { verify "$by/tls-ca.pem" "$by/$1" -crl_check_all -CRLfile "$by/tls-ca.crl"; }
verifies_sign() { verify "$by/anchors.pem" "$by/$1" -crl_check_all -CRLfile "$by/sign-crl.pem"; }
check "TLS certificates verify with their CA and CRL" all verifies_tls node/tls.pem system/tls.pem officer/tls.pem
check "signing certificates verify with the root and both CRLs" all verifies_sign node/sign.pem system/sign.pem system/sign-ec.pem
for purpose in sslserver sslclient; do
	check "node/tls.pem serves as $purpose" openssl verify -no-CApath -no-CAstore -purpose $purpose \
		-CAfile "$by/tls-ca.pem" "$by/node/tls.pem"
	refuses "node/sign.pem does not serve as $purpose" 2 'purpose' openssl verify -no-CApath -no-CAstore -purpose $purpose \
		-untrusted "$by/sign-int.pem" -CAfile "$by/anchors.pem" "$by/node/sign.pem"
done
refuses "one authority's anchors do not vouch for another" 2 'unable to get|self-signed' verify "$ua/anchors.pem" "$by/node/sign.pem"
refuses "the TLS CA does not vouch for signatures" 2 'unable to get|self-signed' verify "$by/tls-ca.pem" "$by/node/sign.pem"
check "the signing chain is intermediate and root" same 2 "$(certs_in "$by/sign-chain.pem")"
check "sign.pem is leaf and intermediate" same 2 "$(certs_in "$by/system/sign.pem")"

hosts='DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:broker.example, IP Address:192.0.2.7'
san() { ext "$1" subjectAltName; }
check "names of the node's TLS certificate" same "$(san "$by/node/tls.pem")" "URI:urn:prinex:BY:node:node-by, $hosts"
check "names of a system's" same "$(san "$ua/system/tls.pem")" "URI:urn:prinex:UA-GK2:system:system-ua-gk2, $hosts"
check "name of an officer" same "$(san "$by/officer/tls.pem" | cut -d, -f1)" "URI:urn:prinex:BY:officer:officer-by"
check "signing certificates carry the URI alone" same "$(san "$by/system/sign-ec.pem")" "URI:urn:prinex:BY:system:system-by"
rsa() { openssl x509 -in "$1" -noout -text | grep -q 'Public-Key: (2048 bit)'; }
check "the system's sign.pem is RSA-2048" rsa "$by/system/sign.pem"

constraints() { same "$(ext "$by/$1.pem" basicConstraints)/$(ext "$by/$1.pem" keyUsage)" "CA:TRUE, pathlen:$2/Certificate Sign, CRL Sign"; }
check "the TLS CA is a CA, path length 1" constraints tls-ca 1
check "the signing root is a CA, path length 1" constraints sign-ca 1
check "the intermediate is a CA, path length 0" constraints sign-int 0
crl_days() {
	to=$(openssl crl -in "$1" -noout -nextupdate) && left=$(($(date -d "${to#*=}" +%s) - $(date +%s)))
	[ "$left" -gt $((29 * 86400)) ] && [ "$left" -le $((30 * 86400)) ]
}
check "CRLs end after 30 days" all crl_days "$by/tls-ca.crl" "$by/sign-crl.pem"
leaf_ends() {
	openssl x509 -in "$1" -noout -checkend $((396 * 86400)) && ! openssl x509 -in "$1" -noout -checkend $((398 * 86400))
}
check "leaves end after 397 days" all leaf_ends "$by/node/tls.pem" "$by/system/sign.pem"

for leaf in $leaves; do
	role=${leaf%/*} ca=anchors.pem crl=sign-crl.pem
	case $leaf in */tls) ca=tls-ca.pem crl=tls-ca.crl ;; esac
	check "check-cert: $leaf fits the profile" "$certs/check-cert" "$by/$leaf.pem" --authority BY --role "$role" \
		--name "$role-by" --key "$by/$leaf.key" --anchors "$by/$ca" --crls "$by/$crl"
done

# --- the wrong ones --------------------------------------------------------------

# Wrong in exactly its way: every complaint is of the kind expected, and openssl alone says the same about the chain.
wrong_case() { # USE CASE WHAT-CHECK-CERT-COMPLAINS-OF WHAT-openssl-verify-SAYS
	ca=$by/anchors.pem crl=$by/sign-crl.pem
	[ "$1" = sign ] || ca=$by/tls-ca.pem crl=$by/tls-ca.crl
	cert=$wrong/$1-$2.pem
	pair "$wrong/$1-$2" || return 1
	"$certs/check-cert" "$cert" --use "$1" --authority BY --role system --name system-by --anchors "$ca" --crls "$crl" >"$tmp/said"
	[ $? -eq 1 ] || { echo "check-cert accepts it" && return 1; }
	grep '^not ok' "$tmp/said" | grep -Ev "^not ok  ($3)" && return 1
	verify "$ca" "$cert" -crl_check_all -CRLfile "$crl" | tr '\n' ' ' >"$tmp/said"
	cat "$tmp/said"
	grep -Eq "$4" "$tmp/said"
}
fine='pem: OK'
for use in tls sign; do
	check "$use expired" wrong_case $use expired 'validity: ended|anchors: .* certificate has expired' 'has expired'
	check "$use not-yet" wrong_case $use not-yet 'validity: begins only|anchors: .* not yet valid' 'not yet valid'
	check "$use revoked" wrong_case $use revoked 'anchors: .* certificate revoked' 'certificate revoked'
	check "$use other-ca" wrong_case $use other-ca 'anchors: ' 'unable to get local issuer|self-signed'
	check "$use lookalike-ca" wrong_case $use lookalike-ca 'anchors: .* signature failure' 'signature failure'
	check "$use self-signed" wrong_case $use self-signed 'chain: .* issued by itself' 'self-signed'
	check "$use no-chain" wrong_case $use no-chain 'anchors: .* unable to get local issuer' 'unable to get local issuer'
	check "$use small-key" wrong_case $use small-key 'key: RSA-1024' "$fine"
	check "$use wrong-authority" wrong_case $use wrong-authority 'SAN URI: urn:prinex:ZZ:.* authority is not BY$' "$fine"
	check "$use wrong-role" wrong_case $use wrong-role 'SAN URI: urn:prinex:BY:node:.* role is not system$' "$fine"
	check "$use no-san" wrong_case $use no-san 'SAN URI: none' "$fine"
	check "$use wrong-eku" wrong_case $use wrong-eku 'extendedKeyUsage: ' "$fine"
done
check "tls wrong-name" wrong_case tls wrong-name 'SAN URI: .* name is not system-by$' "$fine"
check "tls-no-chain lacks nothing but its issuer" openssl verify -no-CApath -no-CAstore \
	-untrusted "$wrong/ca-missing/tls-ca.pem" -CAfile "$by/tls-ca.pem" "$wrong/tls-no-chain.pem"
check "sign-no-chain lacks nothing but its issuer" openssl verify -no-CApath -no-CAstore -purpose any \
	-untrusted "$by/sign-int.pem" -CAfile "$by/anchors.pem" "$wrong/sign-no-chain.pem"
check "a CA outside its own trust is sound" verify "$wrong/ca-other/anchors.pem" "$wrong/sign-other-ca.pem"
check "tls-no-san fits when it is pinned" "$certs/check-cert" "$wrong/tls-no-san.pem" --pinned --role system

# --- extend, rotate, revoke --------------------------------------------------------

check "add-partner makes one more peer" "$certs/make-pki" --add-partner "$pki" BY officer post-7
check "... with its name" "$certs/check-cert" "$by/post-7/tls.pem" --authority BY --role officer --name post-7 --anchors "$by/tls-ca.pem"
refuses "add-partner refuses a name twice" 1 'post-7 exists already' "$certs/make-pki" --add-partner "$pki" BY officer post-7

cp "$by/node/tls.pem" "$tmp/before.pem"
cp "$by/system/sign.pem" "$tmp/before-sign.pem"
check "reissue of the node" "$certs/make-pki" --reissue "$pki" BY node
check "reissue of the system's signing certificates" "$certs/make-pki" --reissue "$pki" BY system --use sign
new_key() { ! same "$("$certs/spki-pin" "$by/node/tls.pem")" "$("$certs/spki-pin" "$tmp/before.pem")"; }
check "... makes a new key" new_key
check "... that fits its certificate" all key_fits node/tls node/sign system/sign system/sign-ec
check "... with the same names" same "$(san "$by/node/tls.pem")" "$(san "$tmp/before.pem")"
check "... also in signing certificates" same "$(san "$by/system/sign.pem")" "$(san "$tmp/before-sign.pem")"
check "... and the same subject" same "$(openssl x509 -in "$by/node/tls.pem" -noout -subject)" \
	"$(openssl x509 -in "$tmp/before.pem" -noout -subject)"
check "... and the same kind" rsa "$by/system/sign.pem"
check "... and keeps the old pair" cmp "$by/node/tls.pem.old" "$tmp/before.pem"
check "old and new overlap" all verifies_tls node/tls.pem node/tls.pem.old
check "old and new signing certificates overlap" all verifies_sign system/sign.pem system/sign.pem.old

revoke() { "$certs/make-pki" --revoke "$pki" "$by/$1"; }
check "revoke the old ones" all revoke node/tls.pem.old system/sign.pem.old
refuses "... the CRL shows it" 2 'certificate revoked' verifies_tls node/tls.pem.old
refuses "... for signing too" 2 'certificate revoked' verifies_sign system/sign.pem.old
check "... and spares the new ones" verifies_tls node/tls.pem
check "... of both kinds" verifies_sign system/sign.pem
refuses "revoking twice is refused" 1 'revoked already' revoke node/tls.pem.old
refuses "so is a certificate of no CA here" 1 'issued by no CA' "$certs/make-pki" --revoke "$pki" "$wrong/tls-self-signed.pem"
check "an intermediate can be revoked" revoke sign-int.pem
refuses "... which ends all below it" 2 'certificate revoked' verifies_sign system/sign.pem
refuses "... for check-cert too" 1 'not ok  anchors: .* certificate revoked .depth 1' "$certs/check-cert" "$by/system/sign.pem" \
	--anchors "$by/anchors.pem" --crls "$by/sign-crl.pem"

check "CRLs that have ended already" "$certs/make-pki" --crl "$pki" UA-GK2 --crl-days 0
refuses "... are of no use" 2 'CRL has expired' verify "$ua/tls-ca.pem" "$ua/node/tls.pem" -crl_check -CRLfile "$ua/tls-ca.crl"
check "CRLs written anew" "$certs/make-pki" --crl "$pki" UA-GK2
check "... are" verify "$ua/tls-ca.pem" "$ua/node/tls.pem" -crl_check -CRLfile "$ua/tls-ca.crl"
check "a certificate for three days" "$certs/make-pki" --add-partner "$pki" UA-GK2 node brief --use tls --days 3
ends_soon() { "$certs/check-cert" "$ua/brief/tls.pem" | grep -q 'note .*ends in [23] days'; }
check "... is noted to end soon" ends_soon

# --- requests ----------------------------------------------------------------------

mkdir "$tmp/csr"
csr() { "$certs/make-csr" --out "$tmp/csr" "$@"; }
holds() { # CSR WORD...: the request's text must hold each
	about=$(openssl req -in "$tmp/csr/$1" -noout -verify -text -nameopt utf8 2>&1)
	shift
	for word; do
		case $about in *"$word"*) ;; *) printf 'no "%s" in:\n%s\n' "$word" "$about" && return 1 ;; esac
	done
}
csr_kept() { csr "$@" >"$tmp/report"; }
check "make-csr for a node's TLS" csr_kept --authority BY-GTK1 --role node --name broker-1 --use tls --dns broker.example \
	--ip 2001:db8::1 --org 'Дзяржаўны мытны камітэт / A+B'
says() {
	sed -n '/CA must put/,$p' "$tmp/report" >"$tmp/advice"
	grep -q 'URI:urn:prinex:BY-GTK1:node:broker-1, DNS:broker.example, IP:2001:db8::1' "$tmp/advice" &&
		grep -q 'clientAuth, serverAuth' "$tmp/advice"
}
check "... says what the CA must put in" says
check "... asks for the right things" holds broker-1-tls.csr 'verify OK' 'CN=broker-1' 'C=BY, O=Дзяржаўны мытны камітэт / A+B' \
	'NIST CURVE: P-256' 'CA:FALSE' 'Digital Signature
' 'TLS Web Client Authentication, TLS Web Server Authentication' \
	'URI:urn:prinex:BY-GTK1:node:broker-1, DNS:broker.example, IP Address:2001:DB8:0:0:0:0:0:1
'
check "make-csr for signing, RSA" csr --authority BY --role system --name customs --use sign --rsa 2048
check "... asks for the right things" holds customs-sign.csr 'verify OK' '(2048 bit)' 'Digital Signature, Non Repudiation' \
	'1.3.6.1.5.5.7.3.36
' 'URI:urn:prinex:BY:system:customs
'
check "make-csr with a given key" csr --authority BY --role system --name given --use sign --key "$by/node/sign.key"
check "... uses it" same "$("$certs/spki-pin" "$tmp/csr/given-sign.csr")" "$("$certs/spki-pin" "$by/node/sign.key")"
modes() { [ ! -e "$tmp/csr/given-sign.key" ] && [ -z "$(find "$tmp/csr" -name '*.key' ! -perm 600)" ]; }
check "keys have mode 0600; a given one is not copied" modes
round_trip() {
	openssl x509 -req -in "$tmp/csr/customs-sign.csr" -copy_extensions copyall -CA "$ua/sign-int.pem" -CAkey "$ua/sign-int.key" \
		-days 90 -out "$tmp/csr/leaf.pem" 2>/dev/null && cat "$tmp/csr/leaf.pem" "$ua/sign-int.pem" >"$tmp/csr/customs.pem" &&
		"$certs/check-cert" "$tmp/csr/customs.pem" --authority BY --role system --name customs \
			--key "$tmp/csr/customs-sign.key" --anchors "$ua/anchors.pem"
}
check "what a CA issues as requested fits the profile" round_trip

# --- refusals ------------------------------------------------------------------------

find "$tmp/csr" | sort >"$tmp/files"
sane='--authority BY --role node --name n1 --use tls --dns a.example'
while IFS='|' read -r text arguments regex; do
	# shellcheck disable=SC2086
	refuses "make-csr: $text" 2 "$regex" csr $arguments
done <<END
lower-case authority|$sane --authority by|authority 'by': expected two capital
authority too long|$sane --authority BY-ABCDEFGHIJKLM|authority 'BY-ABCDEFGHIJKLM'
unknown role|$sane --role broker|role 'broker': expected system, node or officer
name with a colon|$sane --name a:b|name 'a:b': expected 1 to 32
unknown use|$sane --use both|--use 'both': expected tls or sign
RSA-1024|$sane --rsa 1024|--rsa '1024': expected 2048 or 3072
wildcard|$sane --dns *.example|--dns '\*\.example': expected one exact host name
URL as host|$sane --dns https://a.example|--dns 'https://a.example'
address as host|$sane --dns 192.0.2.1|use --ip
host as address|$sane --ip a.example|--ip 'a.example': expected an IPv4 or IPv6
address out of range|$sane --ip 192.0.2.256|--ip '192.0.2.256'
address with prefix|$sane --ip 192.0.2.0/24|--ip '192.0.2.0/24'
node without host|--authority BY --role node --name n1 --use tls|give at least one --dns or --ip
signing with host|$sane --use sign|a signing certificate names no hosts
officer who signs|--authority BY --role officer --name o1 --use sign|officers read and do not sign
nothing said|--role node|--authority is missing
value missing|$sane --rsa|--rsa needs a value
unknown option|$sane --frob|unknown option '--frob'
key and --rsa|$sane --key x --rsa 2048|--key and --rsa
END
refuses "make-csr: a given key that is too small" 1 'RSA-1024; expected RSA-2048 or more' \
	csr --authority BY --role node --name n1 --use sign --key "$wrong/sign-small-key.key"
refuses "make-csr: an address only openssl can refuse" 1 'bad ip address' \
	csr --authority BY --role node --name n1 --use tls --ip 1::2::3
refuses "make-csr: existing files" 1 'customs-sign.csr exists already' csr --authority BY --role system --name customs --use sign
refuses "make-csr: a folder that is not there" 1 'no such folder' "$certs/make-csr" --authority BY --role system --name c --use sign --out "$tmp/none"
no_traces() { find "$tmp/csr" | sort | diff - "$tmp/files"; }
check "refusals leave no files behind" no_traces

pki_before=$("$certs/spki-pin" "$by/tls-ca.key")
refuses "make-pki: an authority that exists" 1 'BY exists already' "$certs/make-pki" "$pki" XX BY
untouched() { same "$pki_before" "$("$certs/spki-pin" "$by/tls-ca.key")" && [ ! -e "$pki/XX" ]; }
check "... and nothing is touched" untouched
refuses "make-pki: a wrong code" 2 "authority 'BYE'" "$certs/make-pki" "$pki" BYE
refuses "make-pki: no authority" 2 'at least one AUTHORITY' "$certs/make-pki" "$pki"
refuses "make-pki: a wrong number" 2 "--days 'ten'" "$certs/make-pki" "$pki" XX --days ten
refuses "make-pki: nothing to reissue" 1 'no certificates there' "$certs/make-pki" --reissue "$pki" BY nobody
refuses "make-pki: reissue for an unknown authority" 1 'no authority made by make-pki' "$certs/make-pki" --reissue "$pki" XX node

refuses "check-cert: not a certificate" 1 'no certificate in PEM' "$certs/check-cert" "$certs/README.md"
refuses "check-cert: a file that is not there" 1 'cannot be read' "$certs/check-cert" "$tmp/none"
refuses "check-cert: a CA's certificate" 1 'not ok  basicConstraints' "$certs/check-cert" "$by/tls-ca.pem" --use tls
refuses "check-cert: no use to be told" 2 'give --use' "$certs/check-cert" "$by/tls-ca.pem"
refuses "check-cert: another one's key" 1 'not ok  key file' "$certs/check-cert" "$by/node/sign.pem" --key "$by/node/tls.key"
cat "$by/node/sign.pem" "$by/node/sign.key" >"$tmp/both.pem"
refuses "check-cert: key and certificate in one file" 1 'holds a private key' "$certs/check-cert" "$tmp/both.pem"
openssl x509 -in "$by/node/sign.pem" >"$tmp/mixed.pem" && cat "$ua/sign-int.pem" >>"$tmp/mixed.pem"
refuses "check-cert: a chain of another's" 1 'not ok  chain: certificate 1 .* not issued by number 2' "$certs/check-cert" "$tmp/mixed.pem"
refuses "check-cert: a leaf alone" 1 'issuer is not in the file' "$certs/check-cert" "$wrong/sign-no-chain.pem"
odd() { # TEXT USE REGEX [openssl req ARGUMENTS]: a certificate that is odd in one way more than being self-signed
	text=$1 use=$2 regex=$3
	shift 3
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=odd -out "$tmp/odd.pem" "$@" 2>/dev/null
	refuses "check-cert: $text" 1 "^not ok  $regex" "$certs/check-cert" "$tmp/odd.pem" --use "$use"
}
odd 'SHA-1' tls 'signature: ecdsa-with-SHA1' -sha1
odd 'two URIs' tls 'SAN URI: 2 of them' -addext 'subjectAltName=URI:urn:prinex:BY:node:a,URI:urn:prinex:UA:node:a'
odd 'a URI of no known form' tls 'SAN URI: urn:prinex:BY:king:a; expected the form' -addext 'subjectAltName=URI:urn:prinex:BY:king:a'
odd 'an officer who signs' sign 'SAN URI: officers do not sign' -addext 'subjectAltName=URI:urn:prinex:BY:officer:a'
odd 'key usage absent' sign 'keyUsage: absent'
odd 'key usage not critical' sign 'keyUsage: Digital Signature, but not' -addext 'keyUsage=digitalSignature'
odd 'key usage of a CA' sign 'keyUsage: .* for a CA to sign' -addext 'keyUsage=critical,digitalSignature,keyCertSign'
odd 'any extended key usage' tls 'extendedKeyUsage: .* any use' -addext 'extendedKeyUsage=clientAuth,anyExtendedKeyUsage'
odd 'TLS and signing in one' tls 'extendedKeyUsage: .* may not sign' -addext 'extendedKeyUsage=clientAuth,serverAuth,1.3.6.1.5.5.7.3.36'
odd 'signing and TLS in one' sign 'extendedKeyUsage: .* may not be used for TLS' -addext 'extendedKeyUsage=clientAuth,1.3.6.1.5.5.7.3.36'
odd 'a critical extension nobody knows' sign 'critical extensions: .*1\.2\.3\.4' -addext '1.2.3.4=critical,DER:0500'

# --- pins, help ---------------------------------------------------------------------------

pin() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
check "spki-pin is the SHA-256 of the public key" same "$("$certs/spki-pin" "$by/system/sign.pem")" "$(pin "$by/system/sign.pem")"
openssl rsa -in "$by/system/sign.key" -traditional -out "$tmp/old.key" 2>/dev/null
check "... of a key in the old format too" same "$("$certs/spki-pin" "$tmp/old.key")" "$(pin "$by/system/sign.pem")"
refuses "spki-pin: not a key" 1 'no certificate, request or key' "$certs/spki-pin" "$certs/openssl.cnf"

documented() { # PROGRAM: every option it takes stands in its --help
	help=$("$certs/$1" --help) || return 1
	grep -o '^	-[^)]*)' "$certs/$1" | grep -o -e '--[a-z-]*' | while read -r option; do
		case $help in *"$option"*) ;; *) echo "$option" && exit 1 ;; esac
	done
}
check "--help names every option" all documented make-pki make-csr check-cert spki-pin
no_bashisms() { sh -n "$certs/$1" && ! grep -nE '\[\[ |==|\blocal |\bfunction |<<<|\$'"'" "$certs/$1"; }
check "the scripts are POSIX sh" all no_bashisms make-pki make-csr check-cert spki-pin lib.sh
if command -v shellcheck >/dev/null; then
	check "shellcheck has nothing to say" sh -c "cd '$certs' && shellcheck -x -s sh make-pki make-csr check-cert spki-pin lib.sh"
else
	count=$((count + 1))
	echo "ok $count - shellcheck has nothing to say # SKIP no shellcheck here"
fi

printf '1..%d\n' $count
[ $bad -eq 0 ]
