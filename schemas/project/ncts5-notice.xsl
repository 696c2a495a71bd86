<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: what of an NCTS 5 declaration goes into a pre-arrival notice: shared by CC015C and CC029C
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:c="urn:prinex:customs:1"
                xmlns:p="urn:prinex:project:1" exclude-result-prefixes="p">
  <xsl:import href="common.xsl"/>
  <xsl:output method="xml" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>

  <p:leave match="arrivalDateAndTimeEstimated" why="a local time without its zone; the notice wants UTC"/>
  <p:leave match="messageIdentification" why="the notice travels in an exchange with an identification of its own"/>
  <p:leave match="correlationIdentifier" why="about another message"/>
  <p:leave match="preparationDateAndTime" why="the notice has a time of its own"/>
  <p:leave match="messageType" why="the notice has a type of its own"/>
  <p:leave match="messageSender" why="of the message between trader and customs"/>
  <p:leave match="messageRecipient" why="of the message between trader and customs"/>
  <p:leave match="bindingItinerary" why="the notice does not say it; the record between customs does"/>

  <p:hint path="/PreArrivalNotice/CustomsOfficeOfFirstEntry/arrivalDateAndTimeEstimated" text="when it is expected at the frontier, in UTC with Z"/>

  <xsl:variable name="departure" select="substring(/*/CustomsOfficeOfDeparture/referenceNumber, 1, 2)"/>
  <xsl:variable name="lang">
    <xsl:value-of select="translate(/*/TransitOperation/communicationLanguageAtDeparture, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"/>
    <!-- not said -->
    <xsl:if test="not(/*/TransitOperation/communicationLanguageAtDeparture)">und</xsl:if>
  </xsl:variable>

  <xsl:template match="/*">
    <c:PreArrivalNotice>
      <preparationDateAndTime><xsl:value-of select="$now"/></preparationDateAndTime>
      <xsl:apply-templates select="TransitOperation/LRN | TransitOperation/MRN" mode="go"/>
      <xsl:apply-templates select="HolderOfTheTransitProcedure" mode="party">
        <xsl:with-param name="as">Declarant</xsl:with-param>
      </xsl:apply-templates>
      <noticeKind>TRA</noticeKind>
      <xsl:apply-templates select="TransitOperation/security | TransitOperation/specificCircumstanceIndicator" mode="go"/>
      <xsl:apply-templates select="CustomsOfficeOfExitForTransitDeclared[1]" mode="office">
        <xsl:with-param name="as">CustomsOfficeOfExit</xsl:with-param>
      </xsl:apply-templates>
      <!-- the first office on the way that is not of the country of departure -->
      <xsl:apply-templates select="(CustomsOfficeOfTransitDeclared | CustomsOfficeOfDestinationDeclared[not(../CustomsOfficeOfTransitDeclared[substring(referenceNumber, 1, 2) != $departure])])[substring(referenceNumber, 1, 2) != $departure][1]" mode="office">
        <xsl:with-param name="as">CustomsOfficeOfFirstEntry</xsl:with-param>
      </xsl:apply-templates>
      <xsl:apply-templates select="CustomsOfficeOfDestinationDeclared" mode="office">
        <xsl:with-param name="as">CustomsOfficeOfDestination</xsl:with-param>
      </xsl:apply-templates>
      <xsl:apply-templates select="Representative" mode="party"/>
      <xsl:apply-templates select="Consignment" mode="go"/>
    </c:PreArrivalNotice>
  </xsl:template>

  <xsl:template match="*" mode="office">
    <xsl:param name="as"/>
    <xsl:element name="{$as}">
      <xsl:apply-templates select="referenceNumber" mode="go"/>
    </xsl:element>
  </xsl:template>

  <!-- NCTS writes register and number as one; a holder under TIR has a number of that -->
  <xsl:template match="*" mode="party">
    <xsl:param name="as" select="local-name()"/>
    <xsl:element name="{$as}">
      <xsl:apply-templates select="identificationNumber" mode="register">
        <xsl:with-param name="scheme">EORI</xsl:with-param>
        <xsl:with-param name="country" select="substring(identificationNumber, 1, 2)"/>
      </xsl:apply-templates>
      <xsl:apply-templates select="TIRHolderIdentificationNumber[../Address/country]" mode="register">
        <xsl:with-param name="scheme">TIR</xsl:with-param>
        <xsl:with-param name="country" select="Address/country"/>
      </xsl:apply-templates>
      <xsl:apply-templates select="name | Address | status | ContactPerson" mode="go"/>
    </xsl:element>
  </xsl:template>
  <xsl:template match="*" mode="register">
    <xsl:param name="scheme"/>
    <xsl:param name="country"/>
    <Identification>
      <country><xsl:value-of select="$country"/></country>
      <scheme><xsl:value-of select="$scheme"/></scheme>
      <xsl:apply-templates select="." mode="go">
        <xsl:with-param name="as">value</xsl:with-param>
      </xsl:apply-templates>
    </Identification>
  </xsl:template>
  <xsl:template match="Address" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="streetAndNumber | postcode | city | country"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="ContactPerson" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="name | phoneNumber | eMailAddress"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="Consignment" mode="go">
    <Consignment>
      <xsl:apply-templates select="countryOfDispatch" mode="go"/>
      <xsl:apply-templates select="countryOfDestination | HouseConsignment[not(../countryOfDestination)][1]/countryOfDestination" mode="go"/>
      <xsl:apply-templates select="containerIndicator | modeOfTransportAtTheBorder | grossMass" mode="go"/>
      <totalNumberOfItems><xsl:value-of select="count(HouseConsignment/ConsignmentItem)"/></totalNumberOfItems>
      <totalNumberOfPackages><xsl:value-of select="sum(HouseConsignment/ConsignmentItem/Packaging/numberOfPackages)"/></totalNumberOfPackages>
      <xsl:apply-templates select="referenceNumberUCR" mode="go"/>
      <xsl:apply-templates select="Carrier" mode="party"/>
      <xsl:apply-templates select="Consignor" mode="party"/>
      <xsl:apply-templates select="Consignee" mode="party"/>
      <xsl:apply-templates select="CountryOfRoutingOfConsignment" mode="go"/>
      <xsl:apply-templates select="PlaceOfLoading" mode="go"/>
      <xsl:apply-templates select="PlaceOfUnloading" mode="go"/>
      <xsl:apply-templates select="DepartureTransportMeans" mode="go"/>
      <xsl:apply-templates select="ActiveBorderTransportMeans" mode="go"/>
      <xsl:apply-templates select="TransportEquipment" mode="go"/>
      <xsl:apply-templates select="PreviousDocument" mode="go"/>
      <xsl:apply-templates select="SupportingDocument" mode="go"/>
      <xsl:apply-templates select="TransportDocument" mode="go"/>
      <xsl:apply-templates select="AdditionalInformation" mode="go"/>
      <xsl:apply-templates select="HouseConsignment/ConsignmentItem" mode="go"/>
    </Consignment>
  </xsl:template>

  <!-- Decimals: up to 6 places, no plus sign, no zeros behind -->
  <xsl:template match="grossMass | netMass" mode="go">
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@*"/>
      <xsl:value-of select="format-number(., '0.######')"/>
    </xsl:element>
  </xsl:template>
  <!-- Plates without spaces -->
  <xsl:template match="DepartureTransportMeans/identificationNumber | ActiveBorderTransportMeans/identificationNumber" mode="go">
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@*"/>
      <xsl:value-of select="translate(., ' ', '')"/>
    </xsl:element>
  </xsl:template>
  <xsl:template match="DepartureTransportMeans | ActiveBorderTransportMeans" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | typeOfIdentification | identificationNumber | nationality | conveyanceReferenceNumber[parent::ActiveBorderTransportMeans]"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="CountryOfRoutingOfConsignment" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | country"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="PlaceOfLoading | PlaceOfUnloading" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="UNLocode | country | location"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="TransportEquipment" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | containerIdentificationNumber | numberOfSeals | Seal | GoodsReference"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="Seal | GoodsReference" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | identifier | declarationGoodsItemNumber"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="PreviousDocument | SupportingDocument | TransportDocument" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | type | referenceNumber | goodsItemNumber[parent::PreviousDocument]"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="AdditionalInformation" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | code | text"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="AdditionalInformation/text | descriptionOfGoods" mode="go">
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@*"/>
      <xsl:attribute name="xml:lang"><xsl:value-of select="$lang"/></xsl:attribute>
      <xsl:value-of select="."/>
    </xsl:element>
  </xsl:template>

  <!-- House consignments have no place in the notice: what they say of parties and countries is said of their items -->
  <xsl:template match="ConsignmentItem" mode="go">
    <ConsignmentItem>
      <xsl:apply-templates select="declarationGoodsItemNumber" mode="go">
        <xsl:with-param name="as">goodsItemNumber</xsl:with-param>
      </xsl:apply-templates>
      <xsl:apply-templates select="(../referenceNumberUCR | referenceNumberUCR)[last()]" mode="go"/>
      <xsl:apply-templates select="(../countryOfDispatch | countryOfDispatch)[last()]" mode="go"/>
      <xsl:apply-templates select="(../countryOfDestination | countryOfDestination)[last()]" mode="go"/>
      <xsl:apply-templates select="../Consignor" mode="party"/>
      <xsl:apply-templates select="(../Consignee | Consignee)[last()]" mode="party"/>
      <xsl:apply-templates select="Commodity | Packaging | PreviousDocument" mode="go"/>
      <xsl:apply-templates select="SupportingDocument | TransportDocument | AdditionalInformation" mode="go"/>
    </ConsignmentItem>
  </xsl:template>
  <xsl:template match="Commodity" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="descriptionOfGoods | cusCode | CommodityCode | DangerousGoods | GoodsMeasure"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="CommodityCode" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="harmonizedSystemSubHeadingCode | combinedNomenclatureCode"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="DangerousGoods" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | UNNumber"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="GoodsMeasure" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="grossMass | netMass"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="Packaging" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | typeOfPackages | numberOfPackages | shippingMarks"/>
    </xsl:call-template>
  </xsl:template>
</xsl:stylesheet>
