<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: an export declaration, as a pre-arrival notice tells it
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:c="urn:prinex:customs:1">
  <xsl:import href="prinex-notice.xsl"/>

  <xsl:template match="/c:ExportDeclaration">
    <c:PreArrivalNotice>
      <xsl:call-template name="movement"/>
      <noticeKind>EXP</noticeKind>
      <xsl:apply-templates select="security | specificCircumstanceIndicator" mode="go"/>
      <xsl:call-template name="office">
        <xsl:with-param name="from" select="CustomsOfficeOfExit"/>
        <xsl:with-param name="as">CustomsOfficeOfExit</xsl:with-param>
      </xsl:call-template>
      <xsl:call-template name="office">
        <xsl:with-param name="from" select="CustomsOfficeOfFirstEntry"/>
        <xsl:with-param name="as">CustomsOfficeOfFirstEntry</xsl:with-param>
      </xsl:call-template>
      <xsl:apply-templates select="Representative" mode="all"/>
      <xsl:apply-templates select="Consignment" mode="go"/>
    </c:PreArrivalNotice>
  </xsl:template>
</xsl:stylesheet>
