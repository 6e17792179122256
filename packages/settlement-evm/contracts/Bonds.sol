// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// What an owner signs: this much of his deposit stands for this claim before this verifier, until then.
struct Lock {
    address owner;
    address verifier;
    /// The claim digest.
    bytes32 claim;
    uint256 amountWei;
    /// Unix seconds: from the next one on anyone may release it.
    uint64 until;
}

/// @title Bonds for claims
/// @notice Money in the chain's coin that its owner locks, by a signature, for one claim before one verifier contract.
///
/// INVARIANTS
/// 1. Solvency: the balance is at least all deposits plus all locks.
/// 2. A lock's owner signed it, with its verifier, claim, amount and time. A (owner, verifier, claim) is locked once
///    ever, so that no signature is used twice.
/// 3. Only that verifier slashes it, once, whole, and up to `until`; otherwise all of it becomes its owner's deposit
///    again.
/// 4. What a slashing does not award is burnt: nobody can take it out.
///
/// There is no owner of this contract. A verifier that asks for a bond looks at {lockOf}: amount, and enough time.
contract Bonds is EIP712, ReentrancyGuardTransient {
    enum LockState {
        None,
        Locked,
        Released,
        Slashed
    }

    struct Locked {
        LockState state;
        uint64 until;
        uint184 amountWei;
    }

    bytes32 public constant LOCK_TYPEHASH =
        keccak256("Lock(address owner,address verifier,bytes32 claim,uint256 amountWei,uint64 until)");

    mapping(address account => uint256 amountWei) public depositOf;
    mapping(bytes32 key => Locked) private _locks;

    event Deposited(address indexed account, uint256 amountWei);
    event BondLocked(
        address indexed owner, address indexed verifier, bytes32 indexed claim, uint256 amountWei, uint64 until
    );
    event Released(address indexed owner, address indexed verifier, bytes32 indexed claim);
    event Slashed(
        address indexed owner,
        address indexed verifier,
        bytes32 indexed claim,
        address beneficiary,
        uint256 awardWei,
        uint256 burntWei
    );
    event Withdrawn(address indexed account, address to, uint256 amountWei);

    /// The owner did not sign this lock for this contract on this chain.
    error BadSignature(address owner);
    /// It was locked before, whatever became of it.
    error AlreadyLocked(address owner, address verifier, bytes32 claim);
    /// Not locked now, or not by this owner for the sender.
    error NotLocked(address owner, address verifier, bytes32 claim);
    error InsufficientDeposit(address account, uint256 depositWei, uint256 neededWei);
    /// No amount, more than 2^184 wei, or `until` has passed.
    error BadLock();
    /// Its time is over, so it can no longer be slashed.
    error LockOver(uint64 until);
    /// Only its verifier may release it before its time is over.
    error StillLocked(uint64 until);
    error BadAward(address beneficiary, uint256 awardWei);
    error BadRecipient();

    constructor() EIP712("Veristack Bonds", "1") {}

    function deposit() external payable {
        depositOf[msg.sender] += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    function withdraw(uint256 amountWei, address payable to) external nonReentrant {
        if (to == address(0) || to == address(this)) revert BadRecipient();
        _spend(msg.sender, amountWei);
        emit Withdrawn(msg.sender, to, amountWei);
        Address.sendValue(to, amountWei);
    }

    /// @notice Locks a part of the owner's deposit. Anyone may bring the signature: 65 bytes, low s.
    function lock(Lock calldata l, bytes calldata signature) external {
        if (l.amountWei == 0 || l.amountWei > type(uint184).max || l.until < block.timestamp) revert BadLock();
        bytes32 structHash =
            keccak256(abi.encode(LOCK_TYPEHASH, l.owner, l.verifier, l.claim, l.amountWei, l.until));
        (address signer, ECDSA.RecoverError problem,) =
            ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), signature);
        if (problem != ECDSA.RecoverError.NoError || signer != l.owner) revert BadSignature(l.owner);
        bytes32 key = _key(l.owner, l.verifier, l.claim);
        if (_locks[key].state != LockState.None) revert AlreadyLocked(l.owner, l.verifier, l.claim);
        _spend(l.owner, l.amountWei);
        _locks[key] = Locked(LockState.Locked, l.until, uint184(l.amountWei));
        emit BondLocked(l.owner, l.verifier, l.claim, l.amountWei, l.until);
    }

    /// @notice Takes a whole lock. The sender is the verifier that it was locked to.
    /// @param beneficiary Has `awardWei` added to his deposit; the rest is burnt.
    function slash(address owner, bytes32 claim, address beneficiary, uint256 awardWei) external {
        Locked storage l = _locks[_key(owner, msg.sender, claim)];
        if (l.state != LockState.Locked) revert NotLocked(owner, msg.sender, claim);
        if (block.timestamp > l.until) revert LockOver(l.until);
        if (awardWei > l.amountWei || (beneficiary == address(0) && awardWei != 0)) {
            revert BadAward(beneficiary, awardWei);
        }
        l.state = LockState.Slashed;
        depositOf[beneficiary] += awardWei;
        emit Slashed(owner, msg.sender, claim, beneficiary, awardWei, l.amountWei - awardWei);
    }

    /// @notice Makes a lock its owner's deposit again: its verifier at any time, anyone when its time is over.
    function release(address owner, address verifier, bytes32 claim) external {
        Locked storage l = _locks[_key(owner, verifier, claim)];
        if (l.state != LockState.Locked) revert NotLocked(owner, verifier, claim);
        if (msg.sender != verifier && block.timestamp <= l.until) revert StillLocked(l.until);
        l.state = LockState.Released;
        depositOf[owner] += l.amountWei;
        emit Released(owner, verifier, claim);
    }

    function lockOf(address owner, address verifier, bytes32 claim) external view returns (Locked memory) {
        return _locks[_key(owner, verifier, claim)];
    }

    /// @notice The EIP-712 digest that an owner signs.
    function lockDigest(Lock calldata l) external view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(LOCK_TYPEHASH, l.owner, l.verifier, l.claim, l.amountWei, l.until))
        );
    }

    function _spend(address account, uint256 amountWei) private {
        uint256 has = depositOf[account];
        if (has < amountWei) revert InsufficientDeposit(account, has, amountWei);
        depositOf[account] = has - amountWei;
    }

    function _key(address owner, address verifier, bytes32 claim) private pure returns (bytes32) {
        return keccak256(abi.encode(owner, verifier, claim));
    }
}
