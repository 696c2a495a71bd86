<?xml version="1.0" encoding="UTF-8"?>
<!-- prinex: what of an NCTS 5 declaration goes into a record between customs: shared by CC015C and CC029C to CD001C and CD050C
   - SPDX-License-Identifier: Apache-2.0
   - Copyright (c) 2026 The prinex authors -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:n="http://ncts.dgtaxud.ec"
                xmlns:p="urn:prinex:project:1" exclude-result-prefixes="p">
  <xsl:import href="common.xsl"/>
  <xsl:output method="xml" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>

  <p:leave match="LRN" why="between trader and customs; authorities know the movement by its MRN"/>
  <p:leave match="messageIdentification" why="the record has an identification of its own"/>
  <p:leave match="correlationIdentifier" why="about another message"/>
  <p:leave match="preparationDateAndTime" why="the record has a time of its own"/>
  <p:leave match="messageType" why="the record has a type of its own"/>
  <p:leave match="messageSender" why="of the message between trader and customs"/>
  <p:leave match="messageRecipient" why="of the message between trader and customs"/>

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
  <p:hint path="/CD001C/ControlResult/code" text="the result of the control at departure, such as A3"/>
  <p:hint path="/CD050C/ControlResult/code" text="the result of the control at departure, such as A3"/>
  <p:hint path="/CD001C/ControlResult/date" text="the day of the control, or of the decision not to make one"/>
  <p:hint path="/CD050C/ControlResult/date" text="the day of the control, or of the decision not to make one"/>

  <!-- @authority: the element that names the authority of departure, as in NTA.XX; @office: one of the recipient's offices -->
  <xsl:template name="header">
    <xsl:param name="type"/>
    <xsl:param name="authority"/>
    <xsl:param name="office"/>
    <xsl:apply-templates select="$authority" mode="go">
      <xsl:with-param name="as">messageSender</xsl:with-param>
    </xsl:apply-templates>
    <xsl:if test="contains($authority, '.') and $office">
      <messageRecipient>
        <xsl:value-of select="concat(substring-before($authority, '.'), '.', substring($office, 1, 2))"/>
      </messageRecipient>
    </xsl:if>
    <!-- UTC: a document of NCTS does not say whose clock it means -->
    <preparationDateAndTime><xsl:value-of select="substring($now, 1, 19)"/></preparationDateAndTime>
    <xsl:if test="$id != ''">
      <messageIdentification><xsl:value-of select="$id"/></messageIdentification>
    </xsl:if>
    <messageType><xsl:value-of select="$type"/></messageType>
  </xsl:template>

  <!-- All behind the header; @tir: whether the record knows TIR -->
  <xsl:template name="record">
    <xsl:param name="tir"/>
    <xsl:for-each select="TransitOperation">
      <xsl:call-template name="with">
        <xsl:with-param name="these" select="MRN | declarationType | TIRCarnetNumber[$tir] | declarationAcceptanceDate | releaseDate | security | reducedDatasetIndicator | specificCircumstanceIndicator | bindingItinerary"/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:apply-templates select="CustomsOfficeOfDeparture | CustomsOfficeOfDestinationDeclared | CustomsOfficeOfTransitDeclared | CustomsOfficeOfExitForTransitDeclared" mode="go"/>
    <xsl:for-each select="HolderOfTheTransitProcedure">
      <xsl:call-template name="with">
        <xsl:with-param name="these" select="identificationNumber | TIRHolderIdentificationNumber[$tir] | name | Address"/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:apply-templates select="ControlResult | Consignment" mode="go"/>
  </xsl:template>

  <xsl:template match="CustomsOfficeOfDeparture | CustomsOfficeOfDestinationDeclared | CustomsOfficeOfExitForTransitDeclared" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | referenceNumber"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="CustomsOfficeOfTransitDeclared" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | referenceNumber | arrivalDateAndTimeEstimated"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="ControlResult" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="code | date | text"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="Consignment | HouseConsignment" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | countryOfDispatch | countryOfDestination | containerIndicator | inlandModeOfTransport | modeOfTransportAtTheBorder | grossMass | referenceNumberUCR | securityIndicatorFromExportDeclaration | Carrier | Consignor | Consignee | AdditionalSupplyChainActor | TransportEquipment | DepartureTransportMeans | CountryOfRoutingOfConsignment | ActiveBorderTransportMeans | PlaceOfLoading | PlaceOfUnloading | PreviousDocument | SupportingDocument | TransportDocument | AdditionalReference | AdditionalInformation | TransportCharges | HouseConsignment | ConsignmentItem"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="Carrier" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="identificationNumber"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="Consignor | Consignee" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="identificationNumber | name | Address"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="Address" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="streetAndNumber | postcode | city | country"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="AdditionalSupplyChainActor" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | role | identificationNumber"/>
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
  <xsl:template match="DepartureTransportMeans | ActiveBorderTransportMeans" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | customsOfficeAtBorderReferenceNumber | typeOfIdentification | identificationNumber | nationality | conveyanceReferenceNumber"/>
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
  <xsl:template match="PreviousDocument" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | type | referenceNumber | goodsItemNumber | complementOfInformation"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="SupportingDocument" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | type | referenceNumber | documentLineItemNumber | complementOfInformation"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="TransportDocument | AdditionalReference" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | type | referenceNumber"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="AdditionalInformation" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="sequenceNumber | code | text"/>
    </xsl:call-template>
  </xsl:template>
  <xsl:template match="TransportCharges" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="methodOfPayment"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="ConsignmentItem" mode="go">
    <xsl:call-template name="with">
      <xsl:with-param name="these" select="goodsItemNumber | declarationGoodsItemNumber | declarationType | countryOfDispatch | countryOfDestination | referenceNumberUCR | Consignee | AdditionalSupplyChainActor | Commodity | Packaging | PreviousDocument | SupportingDocument | TransportDocument | AdditionalReference | AdditionalInformation | TransportCharges"/>
    </xsl:call-template>
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
