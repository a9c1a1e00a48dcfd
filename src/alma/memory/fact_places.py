"""Cities, regions and countries that rules for facts know: where a word such as "moved" says as well where a team, a
service or a date went, only these are taken for places. Data only."""

from __future__ import annotations

import re

_COUNTRIES = """
Afghanistan, Albania, Algeria, Andorra, Angola, Argentina, Armenia, Australia, Austria, Azerbaijan, Bahrain, Bangladesh,
Barbados, Belarus, Belgium, Belize, Benin, Bhutan, Bolivia, Bosnia, Botswana, Brazil, Brunei, Bulgaria, Burundi,
Cambodia, Cameroon, Canada, Chad, Chile, China, Colombia, Congo, Costa Rica, Croatia, Cuba, Cyprus, Czechia, the Czech
Republic, Denmark, the Dominican Republic, Ecuador, Egypt, El Salvador, England, Eritrea, Estonia, Ethiopia, Fiji,
Finland, France, Gabon, Gambia, Georgia, Germany, Ghana, Greece, Greenland, Guatemala, Guinea, Guyana, Haiti, Honduras,
Hungary, Iceland, India, Indonesia, Iran, Iraq, Ireland, Israel, Italy, Jamaica, Japan, Jordan, Kazakhstan, Kenya,
Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Liberia, Libya, Liechtenstein, Lithuania, Luxembourg,
Madagascar, Malawi, Malaysia, the Maldives, Mali, Malta, Mauritania, Mauritius, Mexico, Moldova, Monaco, Mongolia,
Montenegro, Morocco, Mozambique, Myanmar, Namibia, Nepal, the Netherlands, Holland, New Zealand, Nicaragua, Niger,
Nigeria, North Macedonia, Northern Ireland, Norway, Oman, Pakistan, Palestine, Panama, Paraguay, Peru, the Philippines,
Poland, Portugal, Puerto Rico, Qatar, Romania, Russia, Rwanda, Saudi Arabia, Scotland, Senegal, Serbia, Sierra Leone,
Singapore, Slovakia, Slovenia, Somalia, South Africa, South Korea, Spain, Sri Lanka, Sudan, Suriname, Sweden,
Switzerland, Syria, Taiwan, Tajikistan, Tanzania, Thailand, Togo, Trinidad, Tunisia, Turkey, Turkmenistan, Uganda,
Ukraine, the UAE, the United Arab Emirates, the United Kingdom, the United States, the UK, the US, the USA, the States,
Uruguay, Uzbekistan, Venezuela, Vietnam, Wales, Yemen, Zambia, Zimbabwe
"""
_REGIONS = """
Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, Florida, Hawaii, Idaho, Illinois,
Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, Massachusetts, Michigan, Minnesota, Mississippi, Missouri,
Montana, Nebraska, Nevada, New Hampshire, New Jersey, New Mexico, North Carolina, North Dakota, Ohio, Oklahoma, Oregon,
Pennsylvania, Rhode Island, South Carolina, South Dakota, Tennessee, Texas, Utah, Vermont, Virginia, West Virginia,
Wisconsin, Wyoming, Ontario, Quebec, British Columbia, Alberta, Manitoba, Saskatchewan, Nova Scotia, New Brunswick,
Newfoundland, Bavaria, Saxony, Hesse, Lower Saxony, Thuringia, Brandenburg, Tyrol, Styria, Carinthia, Provence,
Brittany, Normandy, Alsace, Burgundy, Catalonia, Andalusia, Galicia, the Basque Country, Tuscany, Sicily, Sardinia,
Lombardy, Piedmont, Veneto, Puglia, Umbria, Flanders, Wallonia, Zeeland, Friesland, Jutland, Lapland, Cornwall, Devon,
Kent, Essex, Sussex, Surrey, Yorkshire, Lancashire, Somerset, Dorset, Norfolk, Suffolk, Cumbria, Crete, Corsica, Bali,
Java Island, Kerala, Gujarat, Punjab, Goa, Queensland, Victoria, Tasmania, New South Wales, Western Australia
"""
_CITIES = """
Aachen, Aalborg, Aarhus, Aberdeen, Abidjan, Abu Dhabi, Abuja, Accra, Adana, Addis Ababa, Adelaide, Agra, Ahmedabad,
Albuquerque, Aleppo, Alexandria, Algiers, Alicante, Almaty, Amman, Amsterdam, Anchorage, Angers, Ankara, Annecy,
Antalya, Antwerp, Asunción, Athens, Atlanta, Auckland, Augsburg, Austin, Avignon, Baghdad, Baku, Baltimore, Bamako,
Bangalore, Bengaluru, Bangkok, Barcelona, Bari, Barranquilla, Basel, Bath, Beijing, Beirut, Belfast, Belgrade, Bergamo,
Bergen, Berkeley, Berlin, Bern, Bielefeld, Bilbao, Birmingham, Bishkek, Bochum, Bodø, Bogotá, Boise, Bologna, Bonn,
Bordeaux, Boston, Boulder, Braga, Brasília, Bratislava, Braunschweig, Bremen, Brescia, Brest, Brighton, Brisbane,
Bristol, Brno, Bruges, Brussels, Bucharest, Budapest, Buenos Aires, Buffalo, Burgos, Bursa, Busan, Bydgoszcz, Cádiz,
Cairo, Calgary, Cali, Cambridge, Canberra, Cape Town, Caracas, Cardiff, Cartagena, Casablanca, Catania, Charlotte,
Chemnitz, Chennai, Chiang Mai, Chicago, Chișinău, Chongqing, Christchurch, Cincinnati, Cleveland, Cluj, Coimbra,
Cologne, Colombo, Columbus, Copenhagen, Córdoba, Cork, Coventry, Curitiba, Cusco, Dakar, Dallas, Damascus, Dar es
Salaam, Darmstadt, Debrecen, Delft, Delhi, New Delhi, Denver, Derby, Detroit, Dhaka, Dijon, Doha, Dortmund, Dresden,
Dubai, Dublin, Dubrovnik, Duisburg, Dundee, Dunedin, Durban, Durham, Düsseldorf, Edinburgh, Edmonton, Eindhoven, Erfurt,
Erlangen, Essen, Exeter, Faro, Fes, Florence, Fortaleza, Frankfurt, Freiburg, Fribourg, Fukuoka, Galway, Gdańsk, Gdynia,
Geneva, Genoa, Ghent, Girona, Glasgow, Gothenburg, Göttingen, Granada, Graz, Grenoble, Groningen, Guadalajara,
Guangzhou, Guayaquil, Haarlem, The Hague, Haifa, Halifax, Halle, Hamburg, Hamilton, Hangzhou, Hannover, Hanover, Hanoi,
Harare, Havana, Heidelberg, Helsinki, Hiroshima, Ho Chi Minh City, Hobart, Hong Kong, Honolulu, Houston, Hull,
Hyderabad, Indianapolis, Ingolstadt, Innsbruck, Iași, Islamabad, Istanbul, Izmir, Jaipur, Jakarta, Jeddah, Jena,
Jerusalem, Johannesburg, Kabul, Kampala, Kansas City, Karachi, Karlsruhe, Kassel, Kathmandu, Katowice, Kaunas, Kharkiv,
Kiel, Kigali, Kingston, Kinshasa, Klagenfurt, Kobe, Koblenz, Kolkata, Košice, Kraków, Krakow, Kuala Lumpur, Kyiv, Kiev,
Kyoto, La Paz, La Plata, Lagos, Lahore, Las Vegas, Lausanne, Leeds, Leicester, Leiden, Leipzig, León, Leuven, Liège,
Lille, Lima, Limerick, Limoges, Lincoln, Linz, Lisbon, Liverpool, Ljubljana, Łódź, London, Los Angeles, Louisville,
Luanda, Lübeck, Lublin, Lucerne, Lugano, Lund, Lusaka, Lviv, Lyon, Maastricht, Madison, Madrid, Magdeburg, Mainz,
Málaga, Malaga, Malmö, Managua, Manaus, Manchester, Manila, Mannheim, Maputo, Marburg, Maribor, Marrakech, Marrakesh,
Marseille, Medellín, Melbourne, Memphis, Mendoza, Mexico City, Miami, Milan, Milwaukee, Minneapolis, Minsk, Modena,
Mombasa, Monterrey, Montevideo, Montpellier, Montreal, Moscow, Mumbai, Munich, Münster, Nagoya, Nairobi, Namur, Nancy,
Nantes, Naples, Nashville, New Orleans, New York, New York City, Newcastle, Nice, Nicosia, Nîmes, Norwich, Nottingham,
Novi Sad, Nuremberg, Oakland, Oaxaca, Odense, Odesa, Odessa, Oldenburg, Olomouc, Oporto, Osaka, Oslo, Osnabrück,
Ostrava, Ottawa, Oulu, Oviedo, Oxford, Padua, Palermo, Palma, Pamplona, Panama City, Paris, Parma, Passau, Pécs, Perth,
Perugia, Philadelphia, Phnom Penh, Phoenix, Pisa, Pittsburgh, Plovdiv, Plymouth, Podgorica, Porto, Porto Alegre,
Portland, Portsmouth, Potsdam, Poznań, Prague, Pretoria, Pristina, Puebla, Pune, Quito, Rabat, Raleigh, Ravenna, Recife,
Regensburg, Reims, Rennes, Reykjavik, Reykjavík, Riga, Rio, Rio de Janeiro, Riyadh, Rome, Rosario, Rostock, Rotterdam,
Rouen, Saarbrücken, Sacramento, Saigon, Salamanca, Salerno, Salvador, Salzburg, San Antonio, San Diego, San Francisco,
San José, San Jose, San Sebastián, Santa Cruz, Santander, Santiago, São Paulo, Sapporo, Sarajevo, Seattle, Seoul,
Seville, Shanghai, Sheffield, Shenzhen, Siena, Skopje, Sofia, Southampton, Split, St Andrews, St. Gallen, St. Louis,
St Louis, St. Petersburg, Stavanger, Stockholm, Strasbourg, Stuttgart, Sydney, Syracuse, Szczecin, Szeged, Taipei,
Tallinn, Tampa, Tampere, Tangier, Tartu, Tashkent, Tbilisi, Tehran, Tel Aviv, Thessaloniki, Tilburg, Timișoara, Tirana,
Tokyo, Toledo, Toronto, Toruń, Toulon, Toulouse, Tours, Trento, Trieste, Tromsø, Trondheim, Tübingen, Tucson, Tunis,
Turin, Turku, Ulm, Umeå, Uppsala, Utrecht, Vaduz, Valencia, Valladolid, Valparaíso, Vancouver, Varanasi, Varna, Venice,
Verona, Vicenza, Vienna, Vigo, Vilnius, Warsaw, Washington, Wellington, Wien, Wiesbaden, Winnipeg, Winterthur,
Wolfsburg, Wrocław, Wuhan, Wuppertal, Würzburg, Xiamen, Yerevan, Yokohama, York, Zagreb, Zaragoza, Zurich, Zürich
"""
_ARTICLE = re.compile(r"^the ")


def _names(text: str) -> frozenset[str]:
    return frozenset(_ARTICLE.sub("", " ".join(name.split()).casefold()) for name in text.split(","))


PLACES = _names(_COUNTRIES) | _names(_REGIONS) | _names(_CITIES)
AMBIGUOUS = frozenset(
    ["nice", "bath", "split", "reading", "essen", "orange", "mobile", "halle", "rio", "hull"]
)  # in small letters


def is_known(place: str) -> bool:
    """Whether one of its parts is a place: "Porto", "the Hague", "Porto, Portugal"."""
    parts = (_ARTICLE.sub("", part.strip().casefold()) for part in re.split(r",| and ", place))
    return any(part in PLACES and not (place.islower() and part in AMBIGUOUS) for part in parts)
