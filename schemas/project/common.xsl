<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: how projections copy: elements that are named, and nothing else
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:param name="now"/>
  <xsl:param name="id"/>

  <!-- A leaf, under its own name or another. Attributes go with it: xml:lang, and the mark by which prinex knows what went
       over. An element with children is empty unless a template says what of it goes. -->
  <xsl:template match="*" mode="go">
    <xsl:param name="as" select="local-name()"/>
    <xsl:element name="{$as}">
      <xsl:copy-of select="@*"/>
      <xsl:if test="not(*)">
        <xsl:value-of select="."/>
      </xsl:if>
    </xsl:element>
  </xsl:template>

  <!-- The current element with some of its children, in their order. -->
  <xsl:template name="with">
    <xsl:param name="these"/>
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates select="$these" mode="go"/>
    </xsl:element>
  </xsl:template>
</xsl:stylesheet>
