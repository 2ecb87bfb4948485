"""Passwords that everybody tries first, and the rows that fingers run along."""

from __future__ import annotations

ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "0123456789",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
)

_WORDS = """
    password passwort motdepasse contrasena senha123 passw0rd p@ssw0rd pa55word letmein welcome welcome1 iloveyou trustno1
    whatever princess princesa sunshine football baseball basketball superman batman spiderman starwars pokemon dragon
    monkey master mustang shadow michael jennifer jessica charlie jordan23 computer internet internet1 samsung google
    facebook linkedin microsoft windows apple123 admin admin123 administrator adminadmin changeme changeit default guest
    secret secret123 topsecret mysecret test test123 testing testtest temp temp1234 demo demo1234 hello hello123 hellohello
    helloworld abc123 abcd1234 a1b2c3d4 a123456 aa123456 asdf1234 qwer1234 qwerty123 qwerty1 qweasd qweasdzxc zaq12wsx
    login login123 user user1234 root toor rootroot money money123 millionaire billionaire bitcoin ethereum dogecoin crypto
    cryptocurrency blockchain tothemoon diamondhands hodl lambo trader trader123 trading trading123 tradingbot broker
    brokerage alpaca kraken binance interactivebrokers tradier oanda bybit upstox wallstreet nasdaq stockmarket stocks
    portfolio investment investor dividend bullmarket bearmarket buylow sellhigh buyandhold correcthorsebatterystaple
    correct horse battery staple thequickbrownfox quickbrownfox loremipsum opensesame abracadabra letmein123 letmeinplease
    ihavenopassword nopassword mypassword yourpassword thepassword password1 password12 password123 password1234
    passwordpassword password! summer winter spring autumn january february november december monday friday sunday
    liverpool arsenal chelsea barcelona realmadrid manchester cowboys yankees lakers steelers
"""
COMMON = frozenset(_WORDS.split())
