<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: a release for transit, as an office of transit is told of it
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:n="http://ncts.dgtaxud.ec">
  <xsl:import href="ncts5-record.xsl"/>

  <xsl:template match="/n:CC029C">
    <n:CD050C>
      <xsl:copy-of select="@PhaseID"/>
      <xsl:call-template name="header">
        <xsl:with-param name="type">CD050C</xsl:with-param>
        <xsl:with-param name="authority" select="messageSender"/>
        <xsl:with-param name="office" select="CustomsOfficeOfTransitDeclared[substring(referenceNumber, 1, 2) != substring(/*/CustomsOfficeOfDeparture/referenceNumber, 1, 2)][1]/referenceNumber"/>
      </xsl:call-template>
      <xsl:call-template name="record">
        <xsl:with-param name="tir" select="false()"/>
      </xsl:call-template>
    </n:CD050C>
  </xsl:template>
</xsl:stylesheet>
