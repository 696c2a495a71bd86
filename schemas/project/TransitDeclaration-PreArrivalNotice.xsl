<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: a transit declaration, as a pre-arrival notice tells it
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:c="urn:prinex:customs:1">
  <xsl:import href="prinex-notice.xsl"/>

  <xsl:template match="/c:TransitDeclaration">
    <xsl:variable name="departure" select="substring(CustomsOfficeOfDeparture/referenceNumber, 1, 2)"/>
    <xsl:variable name="abroad" select="(CustomsOfficeOfTransit | CustomsOfficeOfDestination)[substring(referenceNumber, 1, 2) != $departure]"/>
    <c:PreArrivalNotice>
      <xsl:call-template name="movement"/>
      <noticeKind>TRA</noticeKind>
      <xsl:apply-templates select="security | specificCircumstanceIndicator" mode="go"/>
      <xsl:call-template name="office">
        <xsl:with-param name="from" select="CustomsOfficeOfExitForTransit[1]"/>
        <xsl:with-param name="as">CustomsOfficeOfExit</xsl:with-param>
      </xsl:call-template>
      <!-- the first office on the way that is not of the country of departure -->
      <xsl:call-template name="office">
        <xsl:with-param name="from" select="$abroad[1]"/>
        <xsl:with-param name="as">CustomsOfficeOfFirstEntry</xsl:with-param>
      </xsl:call-template>
      <xsl:call-template name="office">
        <xsl:with-param name="from" select="CustomsOfficeOfDestination"/>
        <xsl:with-param name="as">CustomsOfficeOfDestination</xsl:with-param>
      </xsl:call-template>
      <xsl:apply-templates select="Representative" mode="all"/>
      <xsl:apply-templates select="Consignment" mode="go"/>
    </c:PreArrivalNotice>
  </xsl:template>
</xsl:stylesheet>
