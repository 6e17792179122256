// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Commitment} from "@veristack/chain-evm/contracts/Claim.sol";
import {Answer, IInferenceCallback} from "@veristack/settlement-evm/contracts/IInferenceCallback.sol";

/// An honest token.
contract Coin is ERC20, ERC20Permit {
    constructor() ERC20("Coin", "COIN") ERC20Permit("Coin") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// Keeps a hundredth of what is moved.
contract FeeCoin is Coin {
    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// Tells sender and recipient, as ERC-777 does, before the balances change.
contract HookCoin is Coin {
    function _update(address from, address to, uint256 value) internal override {
        if (from.code.length != 0) {
            (bool ok,) = from.call(abi.encodeWithSignature("tokensToSend()"));
            ok;
        }
        super._update(from, to, value);
        if (to.code.length != 0) {
            (bool ok,) = to.call(abi.encodeWithSignature("tokensReceived()"));
            ok;
        }
    }
}

/// Says of each move what it is told to say.
contract LyingCoin {
    enum Lie {
        Nothing,
        ReturnsFalse,
        MovesNothing,
        Reverts,
        BurnsGas,
        ReturnsMuch
    }

    Lie public lie;
    mapping(address => uint256) public balanceOf;

    function set(Lie l) external {
        lie = l;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        return move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private returns (bool) {
        if (lie == Lie.ReturnsFalse) return false;
        if (lie == Lie.MovesNothing) return true;
        if (lie == Lie.Reverts) revert("no");
        if (lie == Lie.BurnsGas) while (true) {}
        if (lie == Lie.ReturnsMuch) {
            assembly {
                return(0, 1000000)
            }
        }
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// Notes what it is told, or misbehaves as it was set to.
contract Callee is IInferenceCallback {
    enum Manner {
        Notes,
        Reverts,
        BurnsGas,
        ReturnsMuch,
        CallsBack
    }

    Manner public manner;
    address public settlement;
    bytes[] private _calls;

    uint256 public times;
    uint256 public leastGas = type(uint256).max;
    bytes32 public lastId;
    bytes32 public lastValue;
    uint256 public lastCount;
    address public lastSender;
    Answer public lastAnswer;
    uint256 public reentered;

    function set(Manner m) external {
        manner = m;
    }

    /// What it tries on the settlement contract from within.
    function attack(address settlement_, bytes[] calldata calls) external {
        settlement = settlement_;
        manner = Manner.CallsBack;
        delete _calls;
        for (uint256 i = 0; i < calls.length; ++i) {
            _calls.push(calls[i]);
        }
    }

    function onInferenceResult(bytes32 id, Answer calldata answer, Commitment[] calldata values) external {
        uint256 had = gasleft();
        if (manner == Manner.Reverts) revert("no");
        if (manner == Manner.BurnsGas) while (true) {}
        if (manner == Manner.ReturnsMuch) {
            assembly {
                return(0, 900000)
            }
        }
        if (manner == Manner.CallsBack) {
            for (uint256 i = 0; i < _calls.length; ++i) {
                (bool ok,) = settlement.call(_calls[i]);
                if (ok) ++reentered;
            }
        }
        ++times;
        if (had < leastGas) leastGas = had;
        (lastId, lastSender, lastCount) = (id, msg.sender, values.length);
        lastValue = values.length == 0 ? bytes32(0) : bytes32(values[0].value);
        lastAnswer = answer;
    }

    receive() external payable {}
}
