// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {R} from "@veristack/verify-zkml/contracts/Groth16ClaimVerifier.sol";

/// Makes valid proofs for any signals under a key whose secrets are known: alpha 3, beta 7, gamma 11, delta 13,
/// IC[i] = (100 + i) G1. That is what a key without an honest contribution is worth.
library Groth16Simulator {
    function key(uint256 signals) internal view returns (bytes memory out) {
        (uint256 x, uint256 y) = g1(3);
        out = bytes.concat(abi.encode(x, y), abi.encode(g2(7)), abi.encode(g2(11)), abi.encode(g2(13)));
        for (uint256 i = 0; i <= signals; ++i) {
            (x, y) = g1(100 + i);
            out = bytes.concat(out, abi.encode(x, y));
        }
    }

    /// `a` is any scalar and `b` 17 or 19: each choice gives another proof of the same statement. Zero, for either, puts
    /// its point at infinity, and the equation still holds.
    function prove(uint256[] memory signals, uint256 a, uint256 b) internal view returns (uint256[8] memory p) {
        uint256 ic = 100;
        for (uint256 i = 0; i < signals.length; ++i) {
            ic = addmod(ic, mulmod(signals[i], 101 + i, R), R);
        }
        uint256 t = addmod(mulmod(a, b, R), R - addmod(21, mulmod(ic, 11, R), R), R);
        (p[0], p[1]) = g1(a);
        uint256[4] memory q = g2(b);
        (p[2], p[3], p[4], p[5]) = (q[0], q[1], q[2], q[3]);
        (p[6], p[7]) = g1(mulmod(t, inverse(13), R));
    }

    function g1(uint256 k) internal view returns (uint256 x, uint256 y) {
        (bool ok, bytes memory out) = address(7).staticcall(abi.encode(1, 2, k));
        require(ok);
        return abi.decode(out, (uint256, uint256));
    }

    function inverse(uint256 x) internal view returns (uint256) {
        (bool ok, bytes memory out) = address(5).staticcall(abi.encode(32, 32, 32, x, R - 2, R));
        require(ok);
        return abi.decode(out, (uint256));
    }

    /// k · G2 as (x.c1, x.c0, y.c1, y.c0).
    function g2(uint256 k) internal pure returns (uint256[4] memory out) {
        if (k == 0) return out;
        if (k == 7) {
            return [
                uint256(18551411094430470096460536606940536822990217226529861227533666875800903099477),
                15512671280233143720612069991584289591749188907863576513414377951116606878472,
                1711576522631428957817575436337311654689480489843856945284031697403898093784,
                13376798835316611669264291046140500151806347092962367781523498857425536295743
            ];
        }
        if (k == 11) {
            return [
                uint256(15624790064206502667756020446826209080711344272800176518784649088946231692936),
                8472151341754925747860535367990505955708751825377817860727104273184244800723,
                19488077321171448217727198730828487286865984357780136663388739985720647978898,
                1196137947243150610106053819405501111182787323156221967342356892090037828244
            ];
        }
        if (k == 13) {
            return [
                uint256(280672898440571232725436467950720547829638241593507531241322547969961007057),
                16137324789686743234629608741537369181251990815455155257427276976918350071287,
                17641806683785498955878869918183868440783188556637975525088932771694068429840,
                12136420650226457477690750437223209427924916790606163705631661913973995426040
            ];
        }
        if (k == 17) {
            return [
                uint256(15577308679414974642168536368096450326086203870944559758314800234684337462316),
                5571996575954125260736435753480252954196528247617148060558631406349160775832,
                3949072583587836530885517791345259776526014207612010591436388615095276192789,
                11302850696403459405052467769487663388868168369318255751101607320138145101673
            ];
        }
        require(k == 19);
        return [
            uint256(16849508654450081119304017172227396057124361478955927014163046732185922553166),
            9858527670347636692234166401928174269791741769432234490836150038270445961293,
            13963340053412710066602628493986245254268869857782169725667227673717164818367,
            20108569381576808061469857349769609506804248011311707108758562062556705125393
        ];
    }
}
