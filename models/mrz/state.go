package mrz

import "strings"

// iso lists the alpha-3 codes of ISO 3166-1.
const iso = ` ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE `

// extra lists what ICAO 9303-3 section 5 adds: United Nations, organisations, people
// without a state, Kosovo, British nationals, the specimen's Utopia; and codes
// of states that have gone or changed theirs, still found on documents.
const extra = ` D EUE UNO UNA UNK XOM XXA XXB XXC XXX XPO XCC XCE XCO XEC XES XMP XBA XIM XDC XCT XAA XSA RKS XKX XKK GBD GBN GBO GBP GBS UTO IAO NTZ ROM YUG SCG CSK DDR SUN ANT TMP ZAR BUR BDR SVR WSA `

// KnownState reports whether a code is one of ISO 3166-1 alpha-3 or ICAO 9303-3 section 5.
func KnownState(code string) bool {
	return code != "" && len(code) <= 3 && (strings.Contains(iso, " "+code+" ") || strings.Contains(extra, " "+code+" "))
}

// Alpha3 gives the ISO 3166-1 alpha-3 code of the state behind a code of the zone:
// D is DEU, GBD to GBS are GBR, ROM is ROU. It is false for codes that stand for no
// state of that list: organisations, people without a state, specimens.
func Alpha3(code string) (string, bool) {
	switch code = strings.TrimRight(code, "<"); code {
	case "D":
		return "DEU", true
	case "GBD", "GBN", "GBO", "GBP", "GBS":
		return "GBR", true
	case "ROM":
		return "ROU", true
	case "TMP":
		return "TLS", true
	case "ZAR":
		return "COD", true
	case "BUR":
		return "MMR", true
	}
	if len(code) == 3 && strings.Contains(iso, " "+code+" ") {
		return code, true
	}
	return "", false
}
