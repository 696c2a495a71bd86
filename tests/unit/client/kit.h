/* prinex: what the tests of the client share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TESTS_CLIENT_KIT_H
#define PX_TESTS_CLIENT_KIT_H

/** Write a fresh P-256 key and a certificate for it that is good for two hours and says nothing else. */
void kit_make_key(const char *key_file, const char *cert_file);

/** @folder/@name. View: until the eighth call from now. */
const char *kit_path(const char *folder, const char *name);
void kit_put(const char *path, const char *text);

#endif
