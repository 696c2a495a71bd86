<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: what of a declaration of the PRINEX set goes into a pre-arrival notice
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:c="urn:prinex:customs:1"
                xmlns:p="urn:prinex:project:1" exclude-result-prefixes="p">
  <xsl:import href="common.xsl"/>
  <xsl:output method="xml" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>

  <p:leave match="preparationDateAndTime" why="the notice has a time of its own"/>

  <p:hint path="/PreArrivalNotice/CustomsOfficeOfFirstEntry/arrivalDateAndTimeEstimated" text="when it is expected at the frontier, in UTC with Z"/>

  <xsl:template name="movement">
    <preparationDateAndTime><xsl:value-of select="$now"/></preparationDateAndTime>
    <xsl:apply-templates select="LRN | MRN" mode="go"/>
    <xsl:apply-templates select="Declarant" mode="all"/>
  </xsl:template>

  <xsl:template name="office">
    <xsl:param name="from"/>
    <xsl:param name="as"/>
    <xsl:if test="$from">
      <xsl:element name="{$as}">
        <xsl:apply-templates select="$from/referenceNumber" mode="go"/>
        <xsl:if test="$as = 'CustomsOfficeOfFirstEntry'">
          <xsl:apply-templates select="$from/arrivalDateAndTimeEstimated" mode="go"/>
        </xsl:if>
      </xsl:element>
    </xsl:if>
  </xsl:template>

  <!-- All types below are those of the notice -->
  <xsl:template match="*" mode="all">
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@*"/>
      <xsl:if test="not(*)">
        <xsl:value-of select="."/>
      </xsl:if>
      <xsl:apply-templates select="*" mode="all"/>
    </xsl:element>
  </xsl:template>
  <xsl:template match="Consignment" mode="go">
    <Consignment>
      <xsl:copy-of select="@*"/>
      <xsl:apply-templates select="countryOfDispatch | countryOfDestination | containerIndicator | modeOfTransportAtTheBorder | grossMass | totalNumberOfItems | totalNumberOfPackages | referenceNumberUCR | Carrier | Consignor | Consignee | CountryOfRoutingOfConsignment | PlaceOfLoading | PlaceOfUnloading | DepartureTransportMeans | ActiveBorderTransportMeans | TransportEquipment | PreviousDocument | SupportingDocument | TransportDocument | AdditionalInformation | ConsignmentItem" mode="all"/>
    </Consignment>
  </xsl:template>
</xsl:stylesheet>
