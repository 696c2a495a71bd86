<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: a transit declaration of the PRINEX set as a record of NCTS 5: shared by CD001C and CD050C
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:p="urn:prinex:project:1"
                exclude-result-prefixes="p">
  <xsl:import href="common.xsl"/>
  <xsl:output method="xml" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>

  <p:leave match="LRN" why="between trader and customs; authorities know the movement by its MRN"/>
  <p:leave match="preparationDateAndTime" why="the record has a time of its own"/>
  <p:leave match="Identification/country" why="part of the number in NCTS"/>
  <p:leave match="Identification/scheme" why="NCTS knows EORI only; other registers have no place in it"/>
  <p:leave match="Identification/value" why="NCTS knows EORI only; other registers have no place in it"/>

  <p:hint path="/CD001C/messageSender" text="our authority, as NCTS writes it"/>
  <p:hint path="/CD050C/messageSender" text="our authority, as NCTS writes it"/>
  <p:hint path="/CD001C/messageRecipient" text="the recipient's authority, as NCTS writes it"/>
  <p:hint path="/CD050C/messageRecipient" text="the recipient's authority, as NCTS writes it"/>
  <p:hint path="/CD001C/messageIdentification" text="the record's own; made when --sender or --sign-cert says who we are"/>
  <p:hint path="/CD050C/messageIdentification" text="the record's own; made when --sender or --sign-cert says who we are"/>
  <p:hint path="/CD001C/TransitOperation/MRN" text="the MRN given on acceptance"/>
  <p:hint path="/CD050C/TransitOperation/MRN" text="the MRN given on acceptance"/>
  <p:hint path="/CD001C/TransitOperation/declarationAcceptanceDate" text="the day of acceptance"/>
  <p:hint path="/CD050C/TransitOperation/declarationAcceptanceDate" text="the day of acceptance"/>
  <p:hint path="/CD001C/TransitOperation/releaseDate" text="the day of release"/>
  <p:hint path="/CD050C/TransitOperation/releaseDate" text="the day of release"/>

  <xsl:template name="all">
    <xsl:param name="type"/>
    <xsl:param name="tir"/>
    <xsl:attribute name="PhaseID">NCTS5.1</xsl:attribute>
    <preparationDateAndTime><xsl:value-of select="substring($now, 1, 19)"/></preparationDateAndTime>
    <xsl:if test="$id != ''">
      <messageIdentification><xsl:value-of select="$id"/></messageIdentification>
    </xsl:if>
    <messageType><xsl:value-of select="$type"/></messageType>
    <TransitOperation>
      <xsl:apply-templates select="MRN | declarationType | TIRCarnetNumber[$tir] | security" mode="go"/>
      <reducedDatasetIndicator>0</reducedDatasetIndicator>
      <xsl:apply-templates select="specificCircumstanceIndicator | bindingItinerary" mode="go"/>
      <xsl:if test="not(bindingItinerary)">
        <bindingItinerary>0</bindingItinerary>
      </xsl:if>
    </TransitOperation>
    <xsl:apply-templates select="CustomsOfficeOfDeparture" mode="office"/>
    <xsl:apply-templates select="CustomsOfficeOfDestination" mode="office">
      <xsl:with-param name="as">CustomsOfficeOfDestinationDeclared</xsl:with-param>
    </xsl:apply-templates>
    <xsl:apply-templates select="CustomsOfficeOfTransit" mode="office">
      <xsl:with-param name="as">CustomsOfficeOfTransitDeclared</xsl:with-param>
    </xsl:apply-templates>
    <xsl:apply-templates select="CustomsOfficeOfExitForTransit" mode="office">
      <xsl:with-param name="as">CustomsOfficeOfExitForTransitDeclared</xsl:with-param>
    </xsl:apply-templates>
    <xsl:apply-templates select="HolderOfTheTransitProcedure" mode="party"/>
    <xsl:for-each select="ControlResult">
      <xsl:call-template name="with">
        <xsl:with-param name="these" select="code | date | text[1]"/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:apply-templates select="Consignment" mode="go"/>
  </xsl:template>

  <xsl:template match="*" mode="office">
    <xsl:param name="as" select="local-name()"/>
    <xsl:element name="{$as}">
      <xsl:apply-templates select="sequenceNumber | referenceNumber | arrivalDateAndTimeEstimated[$as = 'CustomsOfficeOfTransitDeclared']" mode="go"/>
    </xsl:element>
  </xsl:template>
  <xsl:template match="arrivalDateAndTimeEstimated" mode="go">
    <xsl:element name="{local-name()}">
      <xsl:copy-of select="@*"/>
      <xsl:value-of select="substring(., 1, 19)"/>
    </xsl:element>
  </xsl:template>

  <!-- One identification, EORI; of names and lines of an address the first, without its language -->
  <xsl:template match="*" mode="party">
    <xsl:element name="{local-name()}">
      <xsl:apply-templates select="Identification[scheme = 'EORI'][1]/value" mode="plain">
        <xsl:with-param name="as">identificationNumber</xsl:with-param>
      </xsl:apply-templates>
      <xsl:apply-templates select="name[1]" mode="plain"/>
      <xsl:for-each select="Address">
        <Address>
          <xsl:apply-templates select="streetAndNumber[1] | postcode | city[1] | country" mode="plain"/>
        </Address>
      </xsl:for-each>
    </xsl:element>
  </xsl:template>
  <!-- Of all attributes only marks of prinex: NCTS has no xml:lang -->
  <xsl:template match="*" mode="plain">
    <xsl:param name="as" select="local-name()"/>
    <xsl:element name="{$as}">
      <xsl:copy-of select="@p:*"/>
      <xsl:value-of select="."/>
    </xsl:element>
  </xsl:template>

  <xsl:template match="Consignment" mode="go">
    <Consignment>
      <xsl:apply-templates select="countryOfDispatch | countryOfDestination | containerIndicator | inlandModeOfTransport | modeOfTransportAtTheBorder | grossMass | referenceNumberUCR" mode="go"/>
      <xsl:for-each select="Carrier[Identification/scheme = 'EORI']">
        <Carrier>
          <xsl:apply-templates select="Identification[scheme = 'EORI'][1]/value" mode="plain">
            <xsl:with-param name="as">identificationNumber</xsl:with-param>
          </xsl:apply-templates>
        </Carrier>
      </xsl:for-each>
      <xsl:apply-templates select="Consignor | Consignee" mode="party"/>
      <xsl:apply-templates select="TransportEquipment" mode="go"/>
      <xsl:apply-templates select="DepartureTransportMeans" mode="go"/>
      <xsl:apply-templates select="CountryOfRoutingOfConsignment" mode="go"/>
      <xsl:apply-templates select="ActiveBorderTransportMeans" mode="go"/>
      <xsl:apply-templates select="PlaceOfLoading | PlaceOfUnloading" mode="go"/>
      <xsl:apply-templates select="PreviousDocument" mode="go"/>
      <xsl:apply-templates select="SupportingDocument" mode="go"/>
      <xsl:apply-templates select="TransportDocument" mode="go"/>
      <xsl:apply-templates select="AdditionalInformation" mode="go"/>
      <!-- the PRINEX set has no house consignments: all is one -->
      <HouseConsignment>
        <sequenceNumber>1</sequenceNumber>
        <grossMass><xsl:value-of select="grossMass"/></grossMass>
        <xsl:apply-templates select="ConsignmentItem" mode="go"/>
      </HouseConsignment>
    </Consignment>
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
  <xsl:template match="DepartureTransportMeans | ActiveBorderTransportMeans" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | typeOfIdentification | identificationNumber | nationality | conveyanceReferenceNumber"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="CountryOfRoutingOfConsignment" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | country"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="PlaceOfLoading | PlaceOfUnloading" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="UNLocode | country | location[1]"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="PreviousDocument | SupportingDocument | TransportDocument" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | type | referenceNumber | goodsItemNumber[ancestor::ConsignmentItem]"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="AdditionalInformation" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | code | text[1]"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="ConsignmentItem" mode="go">
    <ConsignmentItem>
      <xsl:apply-templates select="goodsItemNumber" mode="go"/>
      <xsl:apply-templates select="goodsItemNumber" mode="go">
        <xsl:with-param name="as">declarationGoodsItemNumber</xsl:with-param>
      </xsl:apply-templates>
      <xsl:apply-templates select="countryOfDispatch | countryOfDestination | referenceNumberUCR" mode="go"/>
      <xsl:apply-templates select="Consignee" mode="party"/>
      <xsl:apply-templates select="Commodity | Packaging | PreviousDocument | SupportingDocument | TransportDocument | AdditionalInformation" mode="go"/>
    </ConsignmentItem>
  </xsl:template>
  <xsl:template match="Commodity" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="descriptionOfGoods[1] | cusCode | CommodityCode | DangerousGoods | GoodsMeasure"/>
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
  <xsl:template match="location | descriptionOfGoods | text | shippingMarks" mode="go">
    <xsl:apply-templates select="." mode="plain"/>
  </xsl:template>
</xsl:stylesheet>
