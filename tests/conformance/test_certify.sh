#!/bin/sh
# prinex: prinexd passes the certification; all cases with PX_LONG, else without those that mostly sleep
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
if [ -n "${PX_LONG:-}" ]; then exec "$(dirname "$0")/certify"; fi
exec "$(dirname "$0")/certify" --short
