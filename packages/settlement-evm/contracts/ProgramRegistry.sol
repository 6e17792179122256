// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What a kind of evidence is verified against: the digest of a verifying key, of a set of measurements.
struct Anchor {
    string kind;
    bytes32 digest;
}

/// @title Publishers' anchors and revocations
/// @notice Append-only, and read by clients alone: no settlement looks here, so nothing written here changes what was
/// agreed. Program ids are public, so each publisher writes under his own address and no one can stand in another's
/// place; a reader names the publisher that he relies on.
///
/// INVARIANT: an entry, once written, is never removed or changed, except that its `revokedAt` is set once.
contract ProgramRegistry {
    struct Entry {
        bytes32 digest;
        uint64 publishedAt;
        /// Unix seconds; 0: not revoked.
        uint64 revokedAt;
    }

    struct ProgramEntry {
        bytes32 contentHash;
        uint64 publishedAt;
        uint64 revokedAt;
    }

    uint256 public constant MAX_KIND_LENGTH = 64;

    event ProgramPublished(address indexed publisher, bytes32 indexed program, bytes32 contentHash);
    event AnchorPublished(address indexed publisher, bytes32 indexed program, string kind, bytes32 digest);
    event ProgramRevoked(address indexed publisher, bytes32 indexed program);
    event AnchorRevoked(address indexed publisher, bytes32 indexed program, string kind, bytes32 digest);

    /// The program was published before with another content hash, or was revoked.
    error ProgramFixed(bytes32 program, bytes32 contentHash);
    error NotPublished(address publisher, bytes32 program);
    error NoSuchAnchor(string kind, bytes32 digest);
    error AlreadyRevoked();
    /// Empty, or longer than 64 bytes.
    error BadKind(string kind);
    error ZeroDigest();

    mapping(address publisher => mapping(bytes32 program => ProgramEntry)) private _programs;
    mapping(address publisher => mapping(bytes32 program => mapping(bytes32 kindHash => Entry[]))) private _anchors;

    /// @notice Publishes a program, or more anchors of one. Anchors that stand already are passed over.
    /// @param contentHash SHA-256 of the program's blob.
    function publish(bytes32 program, bytes32 contentHash, Anchor[] calldata list) external {
        if (contentHash == 0) revert ZeroDigest();
        ProgramEntry storage p = _programs[msg.sender][program];
        if (p.publishedAt == 0) {
            (p.contentHash, p.publishedAt) = (contentHash, uint64(block.timestamp));
            emit ProgramPublished(msg.sender, program, contentHash);
        } else if (p.contentHash != contentHash || p.revokedAt != 0) {
            revert ProgramFixed(program, p.contentHash);
        }
        for (uint256 i = 0; i < list.length; ++i) {
            _append(program, list[i]);
        }
    }

    /// @notice Warns readers of one anchor. It stays listed, with the time.
    function revokeAnchor(bytes32 program, Anchor calldata anchor) external {
        Entry[] storage entries = _anchors[msg.sender][program][keccak256(bytes(anchor.kind))];
        (bool found, uint256 index) = _find(entries, anchor.digest);
        if (!found) revert NoSuchAnchor(anchor.kind, anchor.digest);
        if (entries[index].revokedAt != 0) revert AlreadyRevoked();
        entries[index].revokedAt = uint64(block.timestamp);
        emit AnchorRevoked(msg.sender, program, anchor.kind, anchor.digest);
    }

    /// @notice Warns readers of a whole program; no more anchors can follow.
    function revokeProgram(bytes32 program) external {
        ProgramEntry storage p = _programs[msg.sender][program];
        if (p.publishedAt == 0) revert NotPublished(msg.sender, program);
        if (p.revokedAt != 0) revert AlreadyRevoked();
        p.revokedAt = uint64(block.timestamp);
        emit ProgramRevoked(msg.sender, program);
    }

    /// @return All zero where the publisher never published it.
    function programOf(address publisher, bytes32 program) external view returns (ProgramEntry memory) {
        return _programs[publisher][program];
    }

    /// @return In the order of publication; revoked ones stay in it.
    function anchorsOf(address publisher, bytes32 program, string calldata kind) external view returns (Entry[] memory) {
        return _anchors[publisher][program][keccak256(bytes(kind))];
    }

    function _append(bytes32 program, Anchor calldata anchor) private {
        uint256 length = bytes(anchor.kind).length;
        if (length == 0 || length > MAX_KIND_LENGTH) revert BadKind(anchor.kind);
        if (anchor.digest == 0) revert ZeroDigest();
        Entry[] storage entries = _anchors[msg.sender][program][keccak256(bytes(anchor.kind))];
        (bool found,) = _find(entries, anchor.digest);
        if (found) return;
        entries.push(Entry(anchor.digest, uint64(block.timestamp), 0));
        emit AnchorPublished(msg.sender, program, anchor.kind, anchor.digest);
    }

    function _find(Entry[] storage entries, bytes32 digest) private view returns (bool, uint256) {
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].digest == digest) return (true, i);
        }
        return (false, 0);
    }
}
