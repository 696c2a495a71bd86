<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: a transit declaration, as a pre-arrival notice tells it
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:import href="ncts5-notice.xsl"/>
</xsl:stylesheet>
