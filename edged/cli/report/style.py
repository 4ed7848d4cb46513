"""The look of a report: light and dark, narrow and wide, on paper; no file but the page itself."""

STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b1f27;--faint:#59616f;--line:#dfe3ea;
--grid:#e9ecf1;--on:#fff;--accent:#2a6f97;--gap:#b3261e;--seen:#8a94a6;--unnamed:#6b7484;
--h0:#2a6f97;--h1:#b8492f;--h2:#37753f;--h3:#7d4f9e;--h4:#8f5d10;--h5:#1a7575;--h6:#b03a6d;--h7:#566074}
@media (prefers-color-scheme:dark){:root{--page:#111317;--card:#1a1d23;--ink:#e8eaef;--faint:#a0a9b8;
--line:#30353f;--grid:#262a32;--on:#14161a;--accent:#7cbce4;--gap:#ff8a80;--seen:#7d879a;--unnamed:#98a2b3;
--h0:#6cb2dd;--h1:#f08f78;--h2:#7cc48a;--h3:#c39fe2;--h4:#e2b251;--h5:#5cc8c8;--h6:#ee8fbc;--h7:#a9b4c6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:80rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;text-wrap:balance}
h2{font-size:1.1rem;margin:0 0 .75rem}
p{margin:0 0 .5rem}
.faint,footer,.name small{color:var(--faint)}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.25rem;margin:1.25rem 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1.25rem 0 0;padding:0}
.facts div{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.7rem .9rem}
.facts dt{color:var(--faint);font-size:.85rem}
.facts dd{margin:0;overflow-wrap:normal;font-size:1.35rem;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums}
.facts small{display:block;font-size:.8rem;font-weight:400;color:var(--faint)}
.badge{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 .6rem;font-size:.8rem;
color:var(--faint);vertical-align:middle;font-weight:400}
.failed{color:var(--gap)}
fieldset{border:0;padding:0;margin:0}
.zoom{display:flex;gap:.4rem;justify-content:flex-end;align-items:center;margin:-2.3rem 0 .6rem;font-size:.85rem;color:var(--faint)}
.zoom label{border:1px solid var(--line);border-radius:99px;padding:.1rem .7rem;cursor:pointer;color:var(--ink)}
input.z{position:absolute;opacity:0;pointer-events:none}
#z1:checked~.zoom [for=z1],#z4:checked~.zoom [for=z4],#z16:checked~.zoom [for=z16]{background:var(--accent);
border-color:var(--accent);color:var(--on)}
#z1:focus-visible~.zoom [for=z1],#z4:focus-visible~.zoom [for=z4],#z16:focus-visible~.zoom [for=z16],
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.scroll{overflow-x:auto;padding-bottom:.25rem}
.lanes{--label:9.5rem;min-width:100%;width:calc(var(--label) + (100% - var(--label))*var(--zoom,1))}
#z4:checked~.scroll{--zoom:4;--step:var(--s4)}
#z16:checked~.scroll{--zoom:16;--step:var(--s16)}
.lane{display:grid;grid-template-columns:var(--label) 1fr;align-items:center}
.name{position:sticky;left:0;z-index:1;background:var(--card);padding:.15rem .75rem .15rem 0;align-self:stretch;
font-size:.9rem;line-height:1.25;display:flex;flex-direction:column;justify-content:center}
.name small{font-size:.75rem}
.name bdi{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.group{position:sticky;left:0;display:inline-block;font-size:.75rem;letter-spacing:.06em;text-transform:uppercase;
color:var(--faint);margin:.7rem 0 .1rem;font-weight:600}
.band{background:repeating-linear-gradient(to right,var(--grid) 0 1px,transparent 1px var(--step,var(--s1)));
border-right:1px solid var(--grid);min-width:0;line-height:0;padding:2px 0}
.axis{position:relative;height:1.4rem;font-size:.75rem;color:var(--faint);font-variant-numeric:tabular-nums}
.axis span{position:absolute;white-space:nowrap;transform:translateX(-50%)}
.axis span:first-child{transform:none}
.axis span.last{transform:translateX(-100%)}
.t4,.t16,#z4:checked~.scroll .t1,#z16:checked~.scroll .t1{display:none}
#z4:checked~.scroll .t4,#z16:checked~.scroll .t16{display:block}
svg.z4,svg.z16{visibility:hidden}
#z4:checked~.scroll svg.z4,#z16:checked~.scroll svg.z4,#z16:checked~.scroll svg.z16{visibility:visible}
svg text{fill:var(--on);font-size:12px}
.m rect{fill:var(--unnamed)}
.seen rect{fill:var(--seen)}
.curve path{fill:var(--accent);fill-opacity:.75}
.gap rect{fill:var(--gap)}
.h0 rect{fill:var(--h0)}.h1 rect{fill:var(--h1)}.h2 rect{fill:var(--h2)}.h3 rect{fill:var(--h3)}
.h4 rect{fill:var(--h4)}.h5 rect{fill:var(--h5)}.h6 rect{fill:var(--h6)}.h7 rect{fill:var(--h7)}
i.dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;background:var(--unnamed);margin-right:.45em}
i.h0{background:var(--h0)}i.h1{background:var(--h1)}i.h2{background:var(--h2)}i.h3{background:var(--h3)}
i.h4{background:var(--h4)}i.h5{background:var(--h5)}i.h6{background:var(--h6)}i.h7{background:var(--h7)}
.m:hover rect{opacity:.8}
.legend b{font-weight:600;color:var(--faint)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem;margin:.5rem 0 0;padding:0;list-style:none}
.scroll+.legend{margin-top:.9rem}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%;max-width:56rem;font-size:.92rem;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{text-align:left;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--faint);font-size:.8rem;white-space:nowrap}
td{overflow-wrap:normal;min-width:3.5rem}
td:first-child{min-width:8.5rem}
td.n,th.n{text-align:right;white-space:nowrap}
td.n:first-child{min-width:0}
tr:last-child td{border-bottom:0}
.share{display:inline-block;width:5rem;height:.55rem;border-radius:3px;background:var(--grid);overflow:hidden;margin-right:.5rem}
.share i{display:block;height:100%;background:var(--unnamed)}
ol.said{list-style:none;margin:0;padding:0}
ol.said li{display:grid;grid-template-columns:4.6rem 8rem 1fr;gap:.75rem;padding:.3rem .4rem;border-radius:6px}
ol.alone li{grid-template-columns:4.6rem 1fr}
ol.said li p{margin:0}
ol.said li:target{background:var(--grid);outline:2px solid var(--accent);outline-offset:-2px}
ol.said time{color:var(--faint);font-variant-numeric:tabular-nums}
ol.said b{font-weight:600}
summary{cursor:pointer;font-weight:600}
details+details{margin-top:.6rem}
footer{padding-bottom:2.5rem;font-size:.85rem}
@media (max-width:40rem){
 main,header,footer{padding-left:.8rem;padding-right:.8rem}
 section{padding:.9rem .9rem}
 svg.z1,#z4:checked~.scroll svg.z4,#z16:checked~.scroll svg.z16{visibility:hidden}
 #z4:checked~.scroll svg.z1,#z16:checked~.scroll svg.z1{visibility:visible}
 .lanes{--label:6.2rem}.name{padding-right:.5rem;font-size:.82rem}
 ol.said li{grid-template-columns:4.2rem 1fr}ol.said p{grid-column:1/-1}
 .facts{grid-template-columns:repeat(auto-fit,minmax(7rem,1fr))}
 .zoom{margin-top:0;justify-content:flex-start}.axis span:nth-child(even){display:none}
}
@media print{
 body{background:#fff}section,.facts div{break-inside:avoid;border-color:#bbb}.zoom{display:none}
 .m rect,.band,i,.share{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
@media (forced-colors:active){.m rect,.curve path{fill:CanvasText}svg text{fill:Canvas}}
"""
"""Colours of marks have a contrast of at least 3 to the card, and of 4.5 to the text in them."""
