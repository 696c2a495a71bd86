<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: a transit declaration, as the office of destination with NCTS is told of it
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:c="urn:prinex:customs:1"
                xmlns:n="http://ncts.dgtaxud.ec" exclude-result-prefixes="c">
  <xsl:import href="prinex-record.xsl"/>

  <xsl:template match="/c:TransitDeclaration">
    <n:CD001C>
      <xsl:call-template name="all">
        <xsl:with-param name="type">CD001C</xsl:with-param>
        <xsl:with-param name="tir" select="true()"/>
      </xsl:call-template>
    </n:CD001C>
  </xsl:template>
</xsl:stylesheet>
