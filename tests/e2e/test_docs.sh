#!/bin/sh
# prinex: the reference pages say what the tables say
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
exec "$(dirname "$0")/../../ops/make-docs" "${PX_BUILD:-build}" --check
